import { randomUUID } from 'node:crypto'
import os from 'node:os'
import path from 'node:path'
import type { AppEvent, AppInfo, DoctorFinding, Settings, SettingsChange } from '../../shared/contract/api/app.ts'
import type { FileKind } from '../../shared/contract/api/files.ts'
import type { JobRequest } from '../../shared/contract/api/jobs.ts'
import type { JobResult } from '../../shared/contract/api/job-results.ts'
import { Fault } from '../../shared/contract/fault.ts'
import { PRODUCT } from '../../shared/contract/product.ts'
import type { Environment } from '../../shared/contract/runs.ts'
import { readEnvironment } from '../engines/environment.ts'
import { Feed } from '../jobs/desk/feed.ts'
import { JobService, type JobWorkContext } from '../jobs/desk/job-service.ts'
import { doJob, jobTitle } from '../jobs/desk/job-work.ts'
import { ModelDesk } from '../jobs/desk/model-desk.ts'
import { PlanDesk } from '../jobs/desk/plan-desk.ts'
import { readSettings, writeSettings } from '../jobs/desk/settings.ts'
import { createPool, type WorkerPool } from '../jobs/pool.ts'
import type { Services } from '../jobs/services.ts'
import type { WorkerHost } from '../jobs/worker-host.ts'
import { openStore, type Store } from '../store/store.ts'
import { resourcePath } from './resources.ts'
import type { Workspace } from './workspace.ts'

/** What a host gives to the application it serves. */
export interface HostAdapter {
  readonly kind: AppInfo['host']
  readonly versions: Readonly<Record<string, string | undefined>>
  readonly workers: WorkerHost
  /** workers of a job at a time, in the place of the setting */
  readonly jobWorkers?: number
  readonly workspace: Workspace
  readonly uploadUrl: string | null
  /** the system's dialogs; null where the window shows its own */
  readonly dialogs: HostDialogs | null
  /** a link to a file for a download; null where files are the user's own */
  readonly linkTo: ((download: Download) => string) | null
  /** whether the host's own shell can run, for the doctor */
  readonly shell: () => DoctorFinding
}

/** What a link gives: one file as it is, several as a zip archive. */
export interface Download {
  readonly fileName: string
  readonly files: readonly DownloadFile[]
}

export interface DownloadFile {
  readonly path: string
  /** in an archive with the folders above it, after slashes */
  readonly fileName: string
}

export interface HostDialogs {
  pick(kind: FileKind, title: string | undefined): Promise<string | null>
  save(fileName: string, title: string | undefined): Promise<string | null>
  reveal(path: string): void
}

/** Workers for what the window looks at, beside those of the jobs: a long job must not hold up a click. */
const DESK_WORKERS = 2

/** One application over one store, whatever host serves it: models, plans, jobs, runs, settings, and what changes in them. */
export class Application {
  readonly host: HostAdapter
  readonly store: Store
  readonly environment: Environment
  readonly models: ModelDesk
  readonly plans: PlanDesk
  readonly jobs: JobService
  readonly events = new Feed<AppEvent>()
  /** another one at every start */
  readonly session = randomUUID()
  /** workers that jobs do not occupy */
  readonly desk: WorkerPool
  readonly #closing = new AbortController()
  readonly #waiting: AppEvent[] = []
  #pool: WorkerPool | null = null
  #poolSize = 0

  /** @param home folder of the store. @throws Fault store.* */
  constructor(home: string, host: HostAdapter) {
    this.host = host
    this.store = openStore(home)
    this.environment = readEnvironment()
    this.desk = createPool(host.workers, { size: DESK_WORKERS })
    this.models = new ModelDesk({
      store: this.store,
      pool: this.desk,
      now,
      onStage: (path, stage) => this.events.tell({ kind: 'opening', path, stage }),
    })
    this.plans = new PlanDesk({ store: this.store, models: this.models, environment: this.environment })
    this.jobs = new JobService({
      work: (request, context) => this.#work(request, context),
      titleOf: jobTitle,
      now,
      onChange: (job) => this.events.tell({ kind: 'job', job }),
    })
  }

  get info(): AppInfo {
    const { kind, versions, uploadUrl, dialogs } = this.host
    return {
      name: PRODUCT.name,
      version: PRODUCT.version,
      host: kind,
      versions: Object.fromEntries(
        Object.entries({ ...this.environment.versions, ...versions }).filter(
          (entry): entry is [string, string] => entry[1] !== undefined,
        ),
      ),
      home: this.store.home,
      exports: this.exportsFolder,
      session: this.session,
      nativeDialogs: dialogs !== null,
      uploadUrl,
      cores: os.availableParallelism(),
      memoryBytes: os.totalmem(),
    }
  }

  /** Where files go when nothing is said. */
  get exportsFolder(): string {
    return path.join(this.store.home, 'exports')
  }

  get settings(): Settings {
    return { ...readSettings(this.store), home: this.store.home }
  }

  changeSettings(change: SettingsChange): Settings {
    writeSettings(this.store, change)
    const { settings } = this
    this.events.tell({ kind: 'settings', settings })
    return settings
  }

  /** Services for something short that the window waits for. */
  deskServices(signal: AbortSignal | undefined): Services {
    return {
      store: this.store,
      pool: this.desk,
      environment: this.environment,
      now,
      signal: signal ?? this.#closing.signal,
      onProgress: () => {},
      onLog: () => {},
    }
  }

  /** Asks the window for something, or the next one that opens where none is there to hear it. */
  ask(event: Extract<AppEvent, { kind: 'open' | 'command' }>): void {
    if (this.events.hasReaders) this.events.tell(event)
    else this.#waiting.push(event)
  }

  /** What was asked for while no window was there; each is given once. */
  takeWaiting(): AppEvent[] {
    return this.#waiting.splice(0)
  }

  /** @throws Fault file.outsideWorkspace */
  allowed(file: string): string {
    return this.host.workspace.allow(file)
  }

  sampleModel(): string {
    return resourcePath('sample/digits-cnn.onnx')
  }

  /** Folder of the built-in recipes. */
  recipesFolder(): string {
    return resourcePath('recipes')
  }

  /** Ends jobs and workers, then the store. */
  async close(): Promise<void> {
    this.#closing.abort(new Fault('engine.closed', 'The application is closing.'))
    await this.jobs.close()
    await this.#pool?.close()
    await this.desk.close()
    await this.host.workers.closeAll()
    this.events.close()
    this.store.close()
  }

  async #work(request: JobRequest, context: JobWorkContext): Promise<JobResult> {
    const { pause, onPartial, onRun, ...listeners } = context
    const { threads, memoryBytes } = this.settings
    const services: Services = {
      store: this.store,
      pool: await this.#jobPool(),
      environment: this.environment,
      now,
      ...listeners,
      ...(memoryBytes === null ? {} : { memoryBytes }),
      onPartial,
      onRun: (run) => {
        onRun(run)
        this.events.tell({ kind: 'runs', runs: [run] })
      },
    }
    const deps = {
      exports: this.exportsFolder,
      sampleModel: this.sampleModel(),
      recipes: this.recipesFolder(),
      threads,
      pause,
    }
    try {
      return await doJob(request, services, deps)
    } finally {
      this.plans.refresh()
      this.events.tell({ kind: 'runs', runs: [] })
    }
  }

  /** The jobs' workers, as many as the host or the settings say now; jobs run one at a time, so none is in use when it changes. */
  async #jobPool(): Promise<WorkerPool> {
    const size = this.host.jobWorkers ?? this.settings.workers ?? os.availableParallelism()
    if (this.#pool && this.#poolSize === size) return this.#pool
    await this.#pool?.close()
    this.#poolSize = size
    this.#pool = createPool(this.host.workers, { size, background: true })
    return this.#pool
  }
}

function now(): string {
  return new Date().toISOString()
}
