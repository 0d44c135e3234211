import { toFloat32 } from '../../../../graph/tensors.ts'
import type { LayerExporter } from './exporter.ts'

/**
 * The numbers that are added to each channel right behind `output` by an Add of its own, with the tensor that gives; null where there is no
 * such Add. Channels are axis 1.
 */
export function addendBehind(
  to: LayerExporter,
  output: string,
  channels: number,
): { values: Float32Array; output: string } | null {
  const reader = to.soleReader(output)
  if (!reader || reader.opType !== 'Add' || reader.domain !== '') return null
  const other = to.constant(reader.inputs.find((input) => input !== output))
  if (!other || other.dataType !== 'float') return null
  const rank = to.dims(output).length
  const numbers = toFloat32(other)
  const dims = [...new Array<number>(Math.max(0, rank - other.dims.length)).fill(1), ...other.dims]
  if (dims.length !== rank || numbers.length !== (dims[1] ?? 1)) return null
  if (numbers.length !== 1 && numbers.length !== channels) return null
  const values = numbers.length === 1 ? new Float32Array(channels).fill(numbers[0]!) : numbers
  to.done.add(reader.name)
  return { values, output: reader.outputs[0]! }
}
