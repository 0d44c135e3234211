import type { LayerInfo } from '../../shared/contract/model.ts'
import { isConversion, isLayoutChange } from './execution-kernels.ts'
import type { ExecutionReport, LayerExecution } from './execution.ts'

/** What a comparison of speed knows. */
export interface SpeedInput {
  /** the float model's median time by the quantized model's, measured in turns */
  readonly speedup: number
  readonly quantized: ExecutionReport
  /** the float model's, for a comparison layer by layer; null where it was not profiled */
  readonly float: ExecutionReport | null
  readonly layers: readonly LayerInfo[]
  /** whether the CPU has VNNI (or another dot-product instruction); null where that is not known */
  readonly vnni: boolean | null
  /** samples in a run */
  readonly batch: number
}

/** Shares of the time below which a cause is not worth a sentence. */
const worthTelling = 0.1
/** Speed-up below which causes are told. A ResNet gains 2.8 on a CPU with VNNI (DESIGN); half of that is a disappointment. */
const disappointing = 1.4
/** Time of a kernel below which dispatch and thread hand-over weigh as much as its work: measured at 3–8 µs on one thread. */
const tinyKernelMs = 0.01

/**
 * Why a quantized model is not (much) faster than float: sentences with numbers, the greatest cause first; empty where it
 * is fast enough. A slower one always gets a sentence.
 */
export function explainSpeed(input: SpeedInput): string[] {
  if (input.speedup >= disappointing || !(input.quantized.totalMs! > 0)) return []
  const causes = rules.flatMap((rule) => rule(input)).sort((a, b) => b.share - a.share)
  const sentences = causes.filter(({ share }) => share >= worthTelling).map(({ sentence }) => sentence)
  if (input.speedup >= 1) return sentences
  return [`It is slower than the float model: ${(1 / input.speedup).toFixed(2)} times its time.`, ...sentences]
}

interface Cause {
  /** part of the quantized model's time, 0–1; certain causes have 1 */
  readonly share: number
  readonly sentence: string
}

const rules: readonly ((input: SpeedInput) => Cause[])[] = [
  withoutVnni,
  conversions,
  layoutChanges,
  rangeFinding,
  floatLayers,
  simulatedLayers,
  slowerLayers,
  tinyKernels,
]

function withoutVnni({ vnni }: SpeedInput): Cause[] {
  return vnni === false
    ? [
        {
          share: 1,
          sentence:
            'This CPU has no VNNI (int8 dot product) instructions: integer kernels gain little here, and much on CPUs that have them.',
        },
      ]
    : []
}

function conversions({ quantized }: SpeedInput): Cause[] {
  return otherCause(
    quantized,
    isConversion,
    (count, part) =>
      `${part} goes into ${count} conversions between float and integers (QuantizeLinear, DequantizeLinear); neighbouring layers in the same precision need none.`,
  )
}

function layoutChanges({ quantized }: SpeedInput): Cause[] {
  return otherCause(
    quantized,
    isLayoutChange,
    (count, part) => `${part} goes into ${count} changes of memory layout between integer and float kernels.`,
  )
}

/** What `DynamicInputs` adds to find a scale and a zero point. */
const rangeOps = new Set(['ReduceMax', 'ReduceMin', 'Neg', 'Max', 'Min', 'Sub', 'Div'])

function rangeFinding({ quantized }: SpeedInput): Cause[] {
  return otherCause(
    quantized,
    (op) => rangeOps.has(op),
    (_, part) =>
      `${part} goes into finding the ranges of activations at run time (dynamic mode); static mode needs none of it.`,
  )
}

function otherCause(
  report: ExecutionReport,
  isCause: (op: string) => boolean,
  say: (count: number, part: string) => string,
): Cause[] {
  const rows = report.other.filter(({ kernel }) => isCause(kernel))
  const ms = rows.reduce((sum, row) => sum + (row.ms ?? 0), 0)
  const count = rows.reduce((sum, row) => sum + row.count, 0)
  return ms > 0 ? [{ share: ms / report.totalMs!, sentence: say(count, partOf(ms, report)) }] : []
}

function floatLayers({ quantized }: SpeedInput): Cause[] {
  if (!quantized.layers.some(({ execution }) => execution === 'int8')) return []
  return layersCause(
    quantized,
    'float',
    (list, part) => `${part} goes into ${layersOf(list)} in float, most of it into ${slowest(list)}.`,
  )
}

function simulatedLayers({ quantized }: SpeedInput): Cause[] {
  return layersCause(
    quantized,
    'simulated',
    (list, part) =>
      `${part} goes into ${layersOf(list)} quantized in the file but computed in float, most of it into ${slowest(list)}.`,
  )
}

function layersCause(
  report: ExecutionReport,
  execution: LayerExecution['execution'],
  say: (list: readonly LayerExecution[], part: string) => string,
): Cause[] {
  const list = report.layers.filter((layer) => layer.execution === execution && (layer.ms ?? 0) > 0)
  const ms = list.reduce((sum, layer) => sum + layer.ms!, 0)
  return list.length === 0 ? [] : [{ share: ms / report.totalMs!, sentence: say(list, partOf(ms, report)) }]
}

const layersOf = ({ length }: readonly LayerExecution[]): string => (length === 1 ? '1 layer' : `${length} layers`)

/** The three slowest, by name. */
function slowest(list: readonly LayerExecution[]): string {
  const sorted = [...list].sort((a, b) => b.ms! - a.ms!)
  return sorted
    .slice(0, 3)
    .map((layer) => `${layer.id} (${layer.op}, ${milliseconds(layer.ms!)})`)
    .join(', ')
}

/** Integer layers that take longer than their float form. */
function slowerLayers({ quantized, float, layers }: SpeedInput): Cause[] {
  if (!float) return []
  const before = new Map(float.layers.map((layer) => [layer.id, layer.ms ?? 0]))
  const losses = quantized.layers
    .filter(({ execution }) => execution === 'int8')
    .map((layer) => ({ layer, loss: (layer.ms ?? 0) - (before.get(layer.id) ?? Infinity) }))
    // a float layer without time of its own was merged into a neighbour: nothing to compare with
    .filter(({ layer, loss }) => loss > 0 && (before.get(layer.id) ?? 0) > 0)
    .sort((a, b) => b.loss - a.loss)
  if (losses.length === 0) return []
  const infos = new Map(layers.map((layer) => [layer.id, layer]))
  const total = losses.reduce((sum, { loss }) => sum + loss, 0)
  const examples = losses
    .slice(0, 3)
    .map(
      ({ layer }) =>
        `${layer.id} (${kindOf(infos.get(layer.id), layer)}: ${milliseconds(layer.ms!)}, in float ${milliseconds(before.get(layer.id)!)})`,
    )
  return [
    {
      share: total / quantized.totalMs!,
      sentence: `${losses.length} integer ${losses.length === 1 ? 'layer is' : 'layers are'} slower than in float, ${milliseconds(total)} together: ${examples.join(', ')}.`,
    },
  ]
}

/** The op, with a word on what makes it slow in integers: few products for each output. */
function kindOf(info: LayerInfo | undefined, layer: LayerExecution): string {
  const outputs =
    info?.outputShape?.slice(1).reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : NaN), 1) ??
    NaN
  const products = (info?.macs ?? NaN) / outputs
  return products > 0 && products < 32 ? `${layer.op}, ${Math.round(products)} products for an output` : layer.op
}

function tinyKernels({ quantized, batch }: SpeedInput): Cause[] {
  const kernels = quantized.layers.filter(({ ms, kernels: ops }) => ms !== null && ops.length > 0)
  const tiny = kernels.filter(({ ms }) => ms! < tinyKernelMs)
  if (tiny.length * 2 < kernels.length || kernels.length === 0) return []
  const hint = batch === 1 ? ' A larger batch spreads the fixed costs.' : ''
  return [
    {
      share: 0.5,
      sentence: `${tiny.length} of ${kernels.length} layers take less than ${tinyKernelMs * 1000} µs a run, of which calling the kernel is a good part: integers save little there.${hint}`,
    },
  ]
}

function partOf(ms: number, report: ExecutionReport): string {
  return `${Math.round((100 * ms) / report.totalMs!)} % of the time (${milliseconds(ms)} of ${milliseconds(report.totalMs!)})`
}

function milliseconds(ms: number): string {
  return `${ms < 1 ? ms.toFixed(3) : ms.toFixed(2)} ms`
}
