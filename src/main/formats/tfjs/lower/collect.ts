import { Fault } from '../../../../shared/contract/fault.ts'
import { Malformed, Unsupported } from './problem.ts'

interface Found {
  readonly where: string
  readonly op: string
  readonly message: string
  readonly isUnsupported: boolean
}

/** Problems spelled out in a message; the rest is counted. */
const SHOWN = 5

/** Collects what single operators or layers cannot be read for, so that all are told at once. */
export class Problems {
  readonly #found: Found[] = []
  readonly #unknown = new Map<string, string[]>()

  /** An operator or layer that is not in the table. */
  unknown(where: string, op: string): void {
    const places = this.#unknown.get(op) ?? []
    places.push(where)
    this.#unknown.set(op, places)
  }

  /** Runs `work`; a problem of the source is kept and null given, anything else is thrown on. */
  attempt<T>(where: string, op: string, work: () => T): T | null {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Unsupported || error instanceof Malformed)) throw error
      this.#found.push({ where, op, message: error.message, isUnsupported: error instanceof Unsupported })
      return null
    }
  }

  /** @throws Fault model.opUnsupported, model.malformed when there was any problem */
  throwIfAny(source: string): void {
    const unknown = [...this.#unknown].map(([op, places]) => `${op.slice(0, 60)} (${placesText(places)})`)
    const details = this.#found
      .slice(0, SHOWN)
      .map(({ where, op, message }) => `"${where.slice(0, 120)}" (${op.slice(0, 60)}) ${message}`)
    const more = this.#found.length - details.length
    const problems = [...unknown, ...details]
    if (problems.length === 0) return
    if (unknown.length > 0 || this.#found.some(({ isUnsupported }) => isUnsupported)) {
      const parts = [
        unknown.length > 0 ? `these operators or layers are not supported: ${unknown.join(', ')}` : '',
        details.length > 0 ? details.join('; ') + (more > 0 ? `; and ${more} more problems` : '') : '',
      ].filter((part) => part !== '')
      throw new Fault('model.opUnsupported', `${source}: ${parts.join('; ')}`, {
        operators: [...new Set([...this.#unknown.keys(), ...this.#found.map(({ op }) => op)])].slice(0, 50),
        problems: problems.slice(0, 20),
      })
    }
    throw new Fault(
      'model.malformed',
      `${source}: ${details.join('; ')}${more > 0 ? `; and ${more} more problems` : ''}`,
      {
        problems: problems.slice(0, 20),
      },
    )
  }
}

function placesText(places: readonly string[]): string {
  const first = `at "${places[0]!.slice(0, 120)}"`
  return places.length === 1 ? first : `${places.length} times, first ${first}`
}
