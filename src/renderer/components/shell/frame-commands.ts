import { useRouter } from 'vue-router'
import { useCommands, type Command } from '../../commands.ts'
import { parts } from '../../parts.ts'
import { screens } from '../../routes.ts'
import { useDemoStore } from '../../stores/demo.ts'
import { useFileMeasureStore } from '../../stores/file-measure.ts'
import { useFilesStore } from '../../stores/files.ts'
import { useJobsStore } from '../../stores/jobs.ts'
import { useLayoutStore } from '../../stores/layout.ts'
import { useModelsStore } from '../../stores/models.ts'
import { useOfficialDataStore } from '../../stores/official-data.ts'
import { usePaletteStore } from '../../stores/palette.ts'
import { useSettingsStore } from '../../stores/settings.ts'
import { useTablesStore } from '../../stores/tables.ts'

const THEMES = ['system', 'light', 'dark'] as const

/** Commands that work on every screen. */
export function useFrameCommands(actions: { readonly showKeys: () => void }): void {
  const router = useRouter()
  const demo = useDemoStore()
  const fileMeasure = useFileMeasureStore()
  const files = useFilesStore()
  const jobs = useJobsStore()
  const layout = useLayoutStore()
  const models = useModelsStore()
  const official = useOfficialDataStore()
  const palette = usePaletteStore()
  const settings = useSettingsStore()
  const tables = useTablesStore()

  async function openModel(): Promise<void> {
    const path = await files.choose('model', 'Open a model')
    if (path !== null) await router.push({ name: (await models.open(path)) ? 'graph' : 'models' })
  }
  async function openSample(): Promise<void> {
    await router.push({ name: (await models.openSample()) ? 'graph' : 'models' })
  }

  const general = (): readonly Command[] => [
    {
      id: 'palette.open',
      title: 'Find anything',
      group: 'Window',
      keys: ['Mod+K'],
      hidden: true,
      run: () => (palette.open ? (palette.open = false) : palette.show()),
    },
    {
      id: 'help.keys',
      title: 'Show the keys',
      group: 'Window',
      keys: ['?'],
      words: 'shortcuts help',
      run: actions.showKeys,
    },
    { id: 'model.open', title: 'Open a model…', group: 'Model', icon: 'folder', keys: ['Mod+O'], run: openModel },
    {
      id: 'model.sample',
      title: 'Open the built-in sample',
      group: 'Model',
      icon: 'play',
      words: 'example',
      run: openSample,
    },
    {
      id: 'model.demo',
      title: 'Run the demo and take its report',
      group: 'Model',
      icon: 'play',
      words: 'whole job quantize evaluate bench html',
      enabled: !demo.isActive,
      run: () => demo.run(),
    },
    {
      id: 'model.cancelOpening',
      title: 'Stop opening the model',
      group: 'Model',
      icon: 'close',
      enabled: models.opening !== null,
      run: () => models.cancelOpening(),
    },
    {
      id: 'model.close',
      title: 'Close the model',
      group: 'Model',
      icon: 'close',
      enabled: models.current !== null,
      run: () => models.close(),
    },
    {
      id: 'model.measureFile',
      title: 'Measure the file as it is…',
      group: 'Model',
      icon: 'measure',
      words: 'evaluate eval bench reference agreement sqnr tensorflow.js accuracy speed',
      enabled: models.current !== null,
      run: () => (fileMeasure.isOpen = true),
    },
    {
      id: 'data.official',
      title: 'Fetch an official data set…',
      group: 'Data',
      icon: 'download',
      words: 'mnist fashion cifar imagenette pull download',
      run: () => official.show(),
    },
    {
      id: 'tables.show',
      title: 'Measure a classic table…',
      group: 'Data',
      icon: 'bars',
      words: 'reproduce published lenet resnet bits',
      run: () => tables.show(),
    },
    {
      id: 'help.doctor',
      title: 'Show what this machine can run',
      group: 'Window',
      icon: 'info',
      words: 'doctor cpu memory check',
      run: () => router.push({ name: 'settings', hash: '#doctor' }),
    },
    {
      id: 'dock.toggle',
      title: 'Show or hide the dock',
      group: 'Window',
      icon: 'dock',
      keys: ['Mod+J'],
      run: () => (layout.state.dockHidden = !layout.state.dockHidden),
    },
    {
      id: 'jobs.show',
      title: 'Show the jobs',
      group: 'Window',
      icon: 'jobs',
      words: 'log progress',
      run: () => layout.showDock('jobs'),
    },
    {
      id: 'inspector.toggle',
      title: 'Show or hide the inspector',
      group: 'Window',
      icon: 'panelRight',
      keys: ['Mod+I'],
      run: () => (layout.state.inspectorHidden = !layout.state.inspectorHidden),
    },
  ]
  const ofJobs = (): readonly Command[] =>
    jobs.active.flatMap((job) => [
      {
        id: `jobs.cancel.${job.id}`,
        title: `Cancel: ${job.title}`,
        group: 'Jobs',
        icon: 'stop' as const,
        run: () => jobs.cancel(job.id),
      },
      ...(job.canPause && job.state === 'running'
        ? [
            {
              id: `jobs.pause.${job.id}`,
              title: `Pause: ${job.title}`,
              group: 'Jobs',
              icon: 'pause' as const,
              run: () => jobs.pause(job.id),
            },
          ]
        : []),
      ...(job.state === 'paused'
        ? [
            {
              id: `jobs.resume.${job.id}`,
              title: `Go on: ${job.title}`,
              group: 'Jobs',
              icon: 'play' as const,
              run: () => jobs.resume(job.id),
            },
          ]
        : []),
    ])
  /** The dock's tabs by name; one that is not on the screen in view is shown on the graph. */
  const inDock = (): readonly Command[] =>
    parts.dock
      .filter(({ routes }) => routes !== undefined)
      .map(({ value, label, routes }) => ({
        id: `dock.${value}`,
        title: `Show in the dock: ${label}`,
        group: 'Window',
        icon: 'dock' as const,
        words: 'panel tab',
        enabled: models.current !== null,
        run: async () => {
          layout.showDock(value)
          if (!routes!.includes(String(router.currentRoute.value.name))) await router.push({ name: 'graph' })
        },
      }))
  const toScreens = (): readonly Command[] =>
    screens.map(({ name, meta }) => ({
      // the menus of the desktop ask by these names
      id: `view.${name}`,
      title: `Go to ${meta.title}`,
      group: 'Screens',
      icon: meta.icon,
      keys: name === 'settings' ? ['Mod+,'] : undefined,
      run: () => router.push({ name }),
    }))
  const themes = (): readonly Command[] =>
    THEMES.map((theme) => ({
      id: `theme.${theme}`,
      title: theme === 'system' ? 'Theme: as the system' : `Theme: ${theme}`,
      group: 'Window',
      icon: 'settings',
      words: 'colour appearance',
      enabled: settings.theme !== theme,
      run: () => settings.change({ theme }),
    }))

  useCommands(() => [...general(), ...inDock(), ...toScreens(), ...ofJobs(), ...themes()])
}
