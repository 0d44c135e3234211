import { eventIterator, type } from '@orpc/contract'
import { z } from 'zod'
import { call } from './base.ts'
import type { JobInfo } from './jobs.ts'

/** What the about box, the empty state and bug reports show. */
export interface AppInfo {
  readonly name: string
  readonly version: string
  readonly host: 'electron' | 'browser'
  /** node, electron, chrome … as far as the host has them */
  readonly versions: Readonly<Record<string, string>>
  /** folder of the store */
  readonly home: string
  /** where exports go when nothing else is said */
  readonly exports: string
  /** changes with every start of the host: a window that sees another one reloads what it holds */
  readonly session: string
  /** true: `files.pick` and `files.save` open the system's own dialogs; false: the window shows one made of `files.list` */
  readonly nativeDialogs: boolean
  /** where a dropped file is sent (PUT with the file's name as `name`); null where the host sees real paths */
  readonly uploadUrl: string | null
  readonly cores: number
  readonly memoryBytes: number
}

export const theme = z.enum(['system', 'light', 'dark'])

/** What can be changed; a field that is absent stays. */
export const settingsChange = z.strictObject({
  theme: theme.optional(),
  /** intra-op threads that benches and searches use; null: all cores */
  threads: z.int().min(1).max(1024).nullable().optional(),
  /** worker processes at a time; null: one a core. Counts from the next job on. */
  workers: z.int().min(1).max(256).nullable().optional(),
  /** bytes of cached tensors that all workers may keep in memory; null: a tenth of the machine's */
  memoryBytes: z
    .int()
    .min(2 ** 24)
    .nullable()
    .optional(),
})
export type SettingsChange = z.infer<typeof settingsChange>

export interface Settings {
  readonly theme: z.infer<typeof theme>
  readonly threads: number | null
  readonly workers: number | null
  readonly memoryBytes: number | null
  /** folder of the store; chosen with `--home` or QUANTBENCH_HOME before the start */
  readonly home: string
}

/** What one window is asked, where the host has several. */
interface Addressed {
  /** the host's own number of the window; absent: whichever hears it */
  readonly window?: number
}

/** Something changed on the other side; what it is, is asked for anew by whoever shows it. */
export type AppEvent =
  /** the first event of every feed: what happened before is not told */
  | { readonly kind: 'ready'; readonly session: string }
  | { readonly kind: 'job'; readonly job: JobInfo }
  | { readonly kind: 'runs'; readonly runs: readonly string[] }
  | { readonly kind: 'models' }
  /** what opening a model file is at: `reading`, `preparing`, `checking`, `writing` */
  | { readonly kind: 'opening'; readonly path: string; readonly stage: string }
  | { readonly kind: 'plans'; readonly model: string }
  | { readonly kind: 'settings'; readonly settings: Settings }
  /** a menu of the desktop asks the window for something: a path to open, or a command of its palette */
  | ({ readonly kind: 'open'; readonly path: string } & Addressed)
  | ({ readonly kind: 'command'; readonly command: string } & Addressed)

/** One thing that was looked at. `warning`: works, but worse than it could; `failed`: something will not work. */
export interface DoctorFinding {
  readonly subject: string
  readonly state: 'ok' | 'warning' | 'failed'
  readonly detail: string
}

/** The application itself. */
export const appApi = {
  info: call.output(type<AppInfo>()),
  settings: {
    get: call.output(type<Settings>()),
    set: call.input(settingsChange).output(type<Settings>()),
  },
  /** Endless; ends with the connection. */
  events: call.output(eventIterator(type<AppEvent>())),
  /** What this machine can run; takes some hundred ms. */
  doctor: call.output(type<{ readonly findings: readonly DoctorFinding[] }>()),
}
