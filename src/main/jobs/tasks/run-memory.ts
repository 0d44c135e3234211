import type { Dim } from '../../../shared/contract/tensor.ts'
import { giveUp } from '../../engines/memory.ts'
import type { EngineTensor, Feeds, Session } from '../../engines/port.ts'

/**
 * Runs a session whose outputs are large, and kept for a while, again and again: each run writes over the outputs of one that is done with.
 * New ones of some hundred MiB in all have the garbage collector run through the whole heap for every other of them.
 */
export class RunMemory {
  readonly session: Session
  /** outputs whose dims follow from those of the inputs */
  readonly #settled: ReadonlySet<string>
  /** by the dims of the inputs that they came of */
  readonly #free = new Map<string, Feeds[]>()
  readonly #dims = new WeakMap<Feeds, string>()
  #released = false

  constructor(session: Session) {
    this.session = session
    this.#settled = settledOutputs(session)
  }

  /**
   * @returns outputs that are the caller's until `giveBack`
   * @throws as `Session.run`
   */
  async run(feeds: Feeds, fetches?: readonly string[]): Promise<Feeds> {
    const dims = JSON.stringify(Object.values(feeds).map((tensor) => tensor.dims))
    const outputs = await this.session.run(feeds, fetches, this.#free.get(dims)?.pop())
    this.#dims.set(outputs, dims)
    return outputs
  }

  /** Outputs of `run` that nobody reads any more. */
  giveBack(outputs: Feeds): void {
    const dims = this.#dims.get(outputs)!
    const again: Record<string, EngineTensor> = {}
    for (const [name, tensor] of Object.entries(outputs)) {
      if (this.#settled.has(name) && !this.#released) again[name] = tensor
      else giveUp(tensor)
    }
    if (this.#released) return
    this.#free.set(dims, [...(this.#free.get(dims) ?? []), again])
  }

  /** Gives the memory back to the system at once, and what is given back later too. */
  release(): Promise<void> {
    this.#released = true
    for (const outputs of [...this.#free.values()].flat()) Object.values(outputs).forEach(giveUp)
    this.#free.clear()
    return this.session.release()
  }
}

/** Those that a run can be given, with no dimension but numbers and symbols of the inputs: others may depend on values. */
function settledOutputs({ inputs, outputs }: Session): Set<string> {
  const symbols = new Set(inputs.flatMap(({ shape }) => shape ?? []))
  const isSettled = (dim: Dim): boolean => typeof dim === 'number' || (dim !== null && symbols.has(dim))
  const found = outputs.filter(({ dataType, shape }) => dataType !== 'float16' && shape?.every(isSettled))
  return new Set(found.map(({ name }) => name))
}
