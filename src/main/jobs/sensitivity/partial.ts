import type { SensitivityRow } from '../../../shared/contract/api/job-results.ts'
import { scoreOf, type Population } from '../../search/racing.ts'
import { scoreKindOf, type SampleRows } from '../../search/sample-rows.ts'
import type { MetricName, SensitivityTable } from '../../search/scores.ts'
import type { Services } from '../services.ts'
import { valuesOf } from './sweep.ts'
import type { Variant } from './variants.ts'

/** Rows are told so often at most: a window cannot show more, and the main side must not compute more. */
const TELL_MS = 400

/** Tells what is known of each layer so far while a sweep goes on; nothing is computed where nobody looks. */
export class PartialRows {
  readonly #variants: readonly Variant[]
  readonly #base: SensitivityTable['base']
  readonly #metric: MetricName
  readonly #population: Population
  readonly #onPartial: Services['onPartial']
  readonly #changed = new Map<string, readonly SampleRows[]>()
  #told = performance.now()

  constructor(
    variants: readonly Variant[],
    {
      base,
      metric,
      population,
    }: { readonly base: SensitivityTable['base']; readonly metric: MetricName; readonly population: Population },
    { onPartial }: Pick<Services, 'onPartial'>,
  ) {
    this.#variants = variants
    this.#base = base
    this.#metric = metric
    this.#population = population
    this.#onPartial = onPartial
  }

  /** A variant has new rows; chunks that are missing between others leave holes. */
  readonly add = ({ key }: Variant, parts: readonly SampleRows[]): void => {
    if (this.#onPartial === undefined) return
    this.#changed.set(key, parts)
    if (performance.now() - this.#told >= TELL_MS) this.tell()
  }

  /** Tells what has not been told yet. */
  tell(): void {
    this.#told = performance.now()
    const rows = this.#variants.flatMap((variant) => {
      const parts = this.#changed.get(variant.key)
      return parts && variant.layerId !== null ? [this.#rowOf(variant.layerId, variant.config, parts)] : []
    })
    this.#changed.clear()
    if (rows.length > 0) this.#onPartial?.({ kind: 'sensitivity', base: this.#base, rows })
  }

  #rowOf(layer: string, config: string, parts: readonly SampleRows[]): SensitivityRow {
    const known = parts.filter((part) => part !== undefined) // where chunks may be missing between others, all samples stand for themselves
    const values = valuesOf(known, this.#metric, scoreKindOf(known))
    const { value, interval } = scoreOf(values, this.#population)
    const isBounded = Number.isFinite(interval.low) && Number.isFinite(interval.high)
    return {
      layer,
      config,
      metric: this.#metric,
      value,
      interval: isBounded ? [interval.low, interval.high] : null,
      samples: values.length,
      rank: null,
    }
  }
}
