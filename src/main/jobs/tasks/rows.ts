import { Fault } from '../../../shared/contract/fault.ts'
import { fromFloat16Bits } from '../../data/float16.ts'
import type { EngineTensor, Feeds } from '../../engines/port.ts'
import type { Numbers } from '../../quant/metrics.ts'
import type { SampleOutputs } from '../../quant/accumulator.ts'

/**
 * Cuts a batch's outputs into those of its samples.
 * @param outputs what a session gave for `rows` rows of input
 * @param rows rows of the batch as it was fed (a model's fixed batch, where it has one)
 * @param samples rows that count, from the first on
 * @throws Fault model.outputWithoutBatch when an output of a batch has no axis for its samples
 */
export function rowsOf(outputs: Feeds, rows: number, samples: number): SampleOutputs[] {
  // a batch of one needs no cutting, and is what small models spend their time on
  if (rows === 1) return [wholeOf(outputs)]
  const result: Record<string, Numbers>[] = Array.from({ length: samples }, () => ({}))
  for (const [name, tensor] of Object.entries(outputs)) {
    const values = numbersOf(tensor)
    if (tensor.dims[0] !== rows) throw withoutBatch(name, tensor.dims, rows)
    const length = values.length / rows
    for (let row = 0; row < samples; row++) result[row]![name] = values.subarray(row * length, (row + 1) * length)
  }
  return result
}

function wholeOf(outputs: Feeds): SampleOutputs {
  const row: Record<string, Numbers> = {}
  for (const name in outputs) row[name] = numbersOf(outputs[name]!)
  return row
}

function withoutBatch(output: string, dims: readonly number[], rows: number): Fault {
  const sentence = `Output '${output}' has shape [${dims.join(', ')}] for a batch of ${rows}: its samples cannot be told apart.`
  return new Fault('model.outputWithoutBatch', `${sentence} Use --batch 1.`, { tensor: output, batch: rows })
}

/** A tensor's values as numbers: float16 widened, 64-bit integers as doubles (exact up to 2^53). */
function numbersOf({ data, dataType }: EngineTensor): Numbers {
  if (dataType === 'float16') return Float32Array.from(data as Uint16Array, fromFloat16Bits)
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number)
  return data
}
