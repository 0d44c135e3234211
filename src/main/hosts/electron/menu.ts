import type { MenuItemConstructorOptions } from 'electron'

/** What the menu can ask for. */
export interface MenuActions {
  /** opens a model with the system's dialog */
  readonly open: () => void
  readonly openPath: (path: string) => void
  /** a command of the window's palette, by its id */
  readonly command: (id: string) => void
  readonly newWindow: () => void
}

export interface MenuRequest {
  readonly platform: NodeJS.Platform
  readonly name: string
  /** models opened last, newest first */
  readonly recent: readonly { readonly name: string; readonly path: string }[]
  readonly actions: MenuActions
  readonly isDeveloping: boolean
}

/** Recent models that the menu shows. */
const MOST_RECENT = 10

/** The native menu. Everything in it is also in the window's palette; here it has its usual place and key. */
export function menuTemplate({
  platform,
  name,
  recent,
  actions,
  isDeveloping,
}: MenuRequest): MenuItemConstructorOptions[] {
  const isMac = platform === 'darwin'
  const say = (label: string, id: string, accelerator?: string): MenuItemConstructorOptions => ({
    label,
    // the window has these keys itself: the menu shows them. A Mac's menu would take them, also from a text that is being typed
    ...(isMac ? {} : { accelerator, registerAccelerator: false }),
    click: () => actions.command(id),
  })
  return [
    ...(isMac ? [{ label: name, role: 'appMenu' as const }] : []),
    {
      label: 'File',
      submenu: [
        { label: 'Open Model…', accelerator: 'CmdOrCtrl+O', click: () => actions.open() },
        { label: 'Open Recent', enabled: recent.length > 0, submenu: recentItems(recent, actions) },
        say('Open the Built-in Sample', 'model.sample'),
        { label: 'New Window', accelerator: 'CmdOrCtrl+Shift+N', click: () => actions.newWindow() },
        { type: 'separator' },
        say('Export…', 'model.export', 'E'),
        say('Settings…', 'view.settings', isMac ? 'Cmd+,' : 'Ctrl+,'),
        { type: 'separator' },
        isMac ? { role: 'close' } : { role: 'quit' },
      ],
    },
    {
      label: 'Edit',
      submenu: [
        say('Undo Plan Edit', 'plan.undo', 'CmdOrCtrl+Z'),
        say('Redo Plan Edit', 'plan.redo', 'CmdOrCtrl+Shift+Z'),
        { type: 'separator' },
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
        { type: 'separator' },
        say('Find in Graph', 'graph.find', 'CmdOrCtrl+F'),
        say('Command Palette', 'palette.open', 'CmdOrCtrl+K'),
      ],
    },
    {
      label: 'View',
      submenu: [
        ...(isDeveloping ? [{ role: 'reload' as const }, { role: 'toggleDevTools' as const }] : []),
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [say('Keys', 'help.keys', '?'), say('What This Machine Can Run', 'help.doctor')] },
  ]
}

function recentItems(recent: MenuRequest['recent'], actions: MenuActions): MenuItemConstructorOptions[] {
  return recent.slice(0, MOST_RECENT).map(({ name, path }) => ({
    label: name.replaceAll('&', '&&'), // one & would underline the letter behind it
    sublabel: path,
    click: () => actions.openPath(path),
  }))
}
