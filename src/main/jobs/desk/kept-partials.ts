import type { PartialResult } from '../../../shared/contract/api/jobs.ts'
import type { TrainingStage } from '../../../shared/contract/api/training.ts'
import { KeptCurve } from '../training-curve.ts'

type RowsPartial = Extract<PartialResult, { kind: 'sensitivity' }>

type SweepPartial = Extract<PartialResult, { kind: 'sweep' }>

/** What became known of a job so far, for who comes late: later rows take the place of earlier ones, long curves are thinned. */
export class KeptPartials {
  /** by base, layer and configuration */
  readonly #rows = new Map<string, { readonly base: RowsPartial['base']; readonly row: RowsPartial['rows'][number] }>()
  /** by key */
  readonly #candidates = new Map<string, PartialResult>()
  /** by curve and bits */
  readonly #points = new Map<string, SweepPartial['points'][number]>()
  #sweep: SweepPartial | null = null
  readonly #curves = new Map<TrainingStage, KeptCurve>()

  add(partial: PartialResult): void {
    switch (partial.kind) {
      case 'candidate':
        this.#candidates.set(partial.candidate.key, partial)
        break
      case 'sensitivity':
        for (const row of partial.rows)
          this.#rows.set(`${partial.base}\n${row.config}\n${row.layer}`, { base: partial.base, row })
        break
      case 'sweep':
        this.#sweep = partial
        for (const point of partial.points) this.#points.set(`${point.what} ${point.bits}`, point)
        break
      case 'training': {
        const curve = this.#curves.get(partial.stage) ?? new KeptCurve()
        curve.add(partial)
        this.#curves.set(partial.stage, curve)
      }
    }
  }

  get all(): PartialResult[] {
    const rows = (['float', 'quantized'] as const).flatMap((base): PartialResult[] => {
      const own = [...this.#rows.values()].filter((one) => one.base === base).map(({ row }) => row)
      return own.length === 0 ? [] : [{ kind: 'sensitivity', base, rows: own }]
    })
    const curves = [...this.#curves].map(([stage, { epochs, steps }]): PartialResult => ({
      kind: 'training',
      stage,
      epochs,
      steps,
    }))
    const sweep = this.#sweep === null ? [] : [{ ...this.#sweep, points: [...this.#points.values()] }]
    return [...rows, ...this.#candidates.values(), ...sweep, ...curves]
  }
}
