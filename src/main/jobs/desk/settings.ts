import { settingsChange, type Settings, type SettingsChange } from '../../../shared/contract/api/app.ts'
import type { Store } from '../../store/store.ts'

const NAME = 'application'

/** Settings as stored, defaults filled in; what no longer fits is left aside. */
export function readSettings({ settings }: Pick<Store, 'settings'>): Omit<Settings, 'home'> {
  const found = settingsChange.safeParse(settings.get(NAME) ?? {})
  const { theme, threads, workers, memoryBytes } = found.success ? found.data : {}
  return {
    theme: theme ?? 'system',
    threads: threads ?? null,
    workers: workers ?? null,
    memoryBytes: memoryBytes ?? null,
  }
}

/** Keeps what changed. */
export function writeSettings(store: Pick<Store, 'settings'>, change: SettingsChange): void {
  const said = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
  store.settings.set(NAME, { ...readSettings(store), ...said })
}
