import { Fault } from '../../../shared/contract/fault.ts'

/** How a child ended. */
export interface Ending {
  /** null when ended by a signal */
  readonly exitCode: number | null
  readonly signal: string | null
  /** the last lines it wrote to stderr and stdout */
  readonly output: string
}

const memoryWords = /heap out of memory|Allocation failed|process out of memory|bad_alloc|Cannot allocate memory/

/**
 * The fault for a child that died.
 * @param task what it was doing
 * @param ending null when it was closed on purpose
 * @param begun false when it died before it received the task, which can then safely be given to another
 */
export function crashFault(task: string, ending: Ending | null, begun: boolean): Fault {
  if (ending === null) return new Fault('engine.crashed', `The worker for '${task}' was closed.`, { task, begun })
  const outOfMemory = memoryWords.test(ending.output)
  const data = { task, exitCode: ending.exitCode, signal: ending.signal, outOfMemory, begun, output: ending.output }
  return new Fault('engine.crashed', `The worker process doing '${task}' ${describe(ending, outOfMemory)}`, data)
}

function describe(ending: Ending, outOfMemory: boolean): string {
  const end = ending.signal === null ? `ended with exit code ${ending.exitCode}` : `was ended by ${ending.signal}`
  if (outOfMemory) return `ran out of memory (${end}). Use fewer workers, a smaller batch or a smaller model.`
  if (ending.signal === 'SIGKILL') {
    return `${end}, from outside; mostly the system does this when memory runs out. Use fewer workers or a smaller batch.`
  }
  const last = ending.output.trim().split('\n').at(-1)?.trim().slice(0, 200)
  return `${end}${last ? `: ${last}` : ''}. The engine crashed on this model or input; other work is not affected.`
}

/** Keeps the end of what a child writes, so that a crash can be explained without keeping a flood. */
export class Tail {
  readonly #limit: number
  #text = ''

  /** @param limit characters kept */
  constructor(limit = 4096) {
    this.#limit = limit
  }

  push(text: string): void {
    this.#text = (this.#text + text).slice(-this.#limit)
  }

  get text(): string {
    return this.#text
  }
}
