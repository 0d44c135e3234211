import type { OnPartial } from '../../shared/contract/api/jobs.ts'
import type { OnLog, OnProgress } from '../../shared/contract/progress.ts'

/** Options of one call into a worker. */
export interface TaskOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
  readonly onLog?: OnLog
  readonly onPartial?: OnPartial
}

/**
 * One child process. Runs one task at a time; a task is a row of `jobs/tasks/registry.ts`, its input and output plain
 * structured-clone values (typed arrays allowed, no functions).
 */
export interface Worker {
  readonly pid: number
  /** false once the child has ended or is being closed; `run` then fails with engine.crashed */
  readonly alive: boolean
  /**
   * @throws Fault engine.crashed when the child dies (with signal or exit code and, where known, out of memory);
   *   the task's own Fault; the signal's reason when aborted: the child is asked to stop, then killed after 2 s
   */
  run<Input, Output>(task: string, input: Input, options?: TaskOptions): Promise<Output>
  /** Ends the child: asks, waits at most 2 s, kills. */
  close(): Promise<void>
}

export interface StartOptions {
  /** gives way to whoever else wants the processor: for long jobs beside a window that has to answer at once */
  readonly background?: boolean
}

/** Starts children; `child_process.fork` under Node, `utilityProcess.fork` under Electron. */
export interface WorkerHost {
  start(options?: StartOptions): Promise<Worker>
  closeAll(): Promise<void>
}

/** What a task sees inside the child. It must look at `signal` between batches, each at most about a second of work. */
export interface TaskContext {
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly onLog: OnLog
  /** what becomes known on the way, where somebody looks; at most some times a second */
  readonly onPartial?: OnPartial
}

/** One kind of work done in a child process. */
export type Task<Input, Output> = (input: Input, context: TaskContext) => Promise<Output>
