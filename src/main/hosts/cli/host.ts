import os from 'node:os'
import type { Command } from 'commander'
import { readEnvironment } from '../../engines/environment.ts'
import { createPool, type WorkerPool } from '../../jobs/pool.ts'
import type { Services } from '../../jobs/services.ts'
import { openStore, type Store } from '../../store/store.ts'
import { createNodeWorkerHost } from '../worker/node-host.ts'
import { endOf } from './errors.ts'
import { defaultHome } from './home.ts'
import * as parse from './parse.ts'
import { createProgressView, type ProgressView } from './progress.ts'

/** Options every command has. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly home?: string
  readonly workers?: number
}

type ActionBody<Options> = (services: Services, options: Options, ...positional: never[]) => void | Promise<void>

/** The command line as a host: puts the services together for one command and takes them down again. */
export class Host {
  readonly parse = parse
  readonly #abort = new AbortController()
  readonly #progress: ProgressView = createProgressView()
  #options: GlobalOptions = {}
  #store: Store | null = null
  #pool: WorkerPool | null = null
  #exitCode = 0

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The first Ctrl-C asks the work to stop, the second ends the process. */
  interrupt(): void {
    if (this.#abort.signal.aborted) process.exit(130)
    this.#abort.abort(new DOMException('interrupted', 'AbortError'))
  }

  /** Wraps a command's body for commander: services are opened when first used, and closed whatever happens. */
  action<Options extends object>(body: ActionBody<Options>): (...args: unknown[]) => Promise<void> {
    return async (...args) => {
      const command = args.at(-1) as Command
      const options = command.optsWithGlobals<Options & GlobalOptions>()
      this.#options = options
      const positional = args.slice(0, -2)
      await body(this.#services(), options, ...(positional as never[]))
    }
  }

  /** Result to stdout: one JSON document with --json, otherwise the text. */
  print(json: unknown, text: () => string): void {
    this.#progress.stop()
    process.stdout.write(`${this.#options.json ? JSON.stringify(json, null, 2) : text()}\n`)
  }

  /** The command answers, but not as hoped: its exit code without an error. */
  endWith(exitCode: number): void {
    this.#exitCode = exitCode
  }

  /** Runs the command line; gives the process's exit code. */
  async run(program: Command, argv: readonly string[]): Promise<number> {
    try {
      await program.parseAsync([...argv])
      return this.#exitCode
    } catch (error) {
      this.#progress.stop()
      const { exitCode, message } = endOf(error, this.#abort.signal)
      if (message !== null) process.stderr.write(`${message}\n`)
      return exitCode
    } finally {
      this.#progress.stop()
      await this.#pool?.close()
      this.#store?.close()
    }
  }

  /** Getters, so that a command that needs neither store nor workers starts neither. */
  #services(): Services {
    const openStoreOnce = (): Store => (this.#store ??= openStore(this.#options.home ?? defaultHome()))
    const openPoolOnce = (): WorkerPool =>
      (this.#pool ??= createPool(createNodeWorkerHost(), { size: this.#options.workers ?? os.availableParallelism() }))
    return {
      get store() {
        return openStoreOnce()
      },
      get pool() {
        return openPoolOnce()
      },
      environment: readEnvironment(),
      now: () => new Date().toISOString(),
      signal: this.#abort.signal,
      onProgress: this.#progress.onProgress,
      onLog: this.#progress.onLog,
    }
  }
}
