import type { Sample } from './port.ts'

/** The samples, the last one repeated up to the batch length that the model fixes. */
export function rowsOf(samples: readonly Sample[], fixedBatch: number | null): readonly Sample[] {
  const last = samples.at(-1)
  if (!last) throw new Error('a batch needs at least one sample')
  if (fixedBatch === null || samples.length === fixedBatch) return samples
  if (samples.length > fixedBatch)
    throw new Error(`batch of ${samples.length} for a model with a fixed batch of ${fixedBatch}`)
  return [...samples, ...Array.from({ length: fixedBatch - samples.length }, () => last)]
}
