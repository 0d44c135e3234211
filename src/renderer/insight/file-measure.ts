import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { BenchView, EvaluationView, IntervalView } from '../../shared/contract/api/job-results.ts'
import type { JobRequestInput } from '../../shared/contract/api/jobs.ts'

/** What a model file is measured with: as a file, whatever plan is on the graph. */
export interface FileQuestion {
  /** path of the model it is compared with; null: none */
  readonly reference: string | null
  /** what computes its accuracy; TensorFlow.js for its own files alone */
  readonly engine: 'onnxruntime' | 'tfjs'
  /** samples in a batch; null: one */
  readonly batch: number | null
  /** null: one for accuracy, as the settings say for speed */
  readonly threads: number | null
  /** whole shapes of inputs with open axes, for its time: `name=1x3x224x224`, one a line */
  readonly shapes: string
}

/** Nothing but the file, in ONNX Runtime. */
export const plainQuestion: FileQuestion = {
  reference: null,
  engine: 'onnxruntime',
  batch: null,
  threads: null,
  shapes: '',
}

/** Shapes as they are typed; null where a line says none. */
export function shapesOf(text: string): Record<string, number[]> | null {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const found: Record<string, number[]> = {}
  for (const line of lines) {
    const match = /^(.+?)\s*=\s*([1-9]\d*(?:x[1-9]\d*)*)$/.exec(line)
    if (!match) return null
    found[match[1]!] = match[2]!.split('x').map(Number)
  }
  return found
}

/** Asks how right the file is. */
export function evaluateRequest(
  model: string,
  { reference, engine, batch, threads }: FileQuestion,
  samples: SampleOptionsInput,
): JobRequestInput {
  return { kind: 'evaluate', model, reference, engine, batch, threads, samples }
}

/** Asks how fast it is. */
export function benchRequest(model: string, { reference, batch, threads, shapes }: FileQuestion): JobRequestInput {
  const given = shapesOf(shapes) ?? {}
  const more = Object.keys(given).length > 0 ? { shapes: given } : {}
  return { kind: 'bench', model, reference, batch, threads, ...more }
}

/** One line of what an evaluation says. */
export interface MeasureRow {
  readonly metric: string
  readonly model: string
  readonly reference: string
  /** 95 %, of the difference */
  readonly interval: string
}

const percent = (rate: number | null | undefined): string =>
  typeof rate === 'number' ? `${(100 * rate).toFixed(2)} %` : ''
/** With a true minus, and none before a zero. */
const signed = (value: number, digits: number): string =>
  value
    .toFixed(digits)
    .replace(/^-(?=0\.?0*$)/, '')
    .replace('-', '−')
const boundsOf = (interval: IntervalView | null, factor: number, digits: number, unit: string): string =>
  interval === null
    ? ''
    : `${[factor * interval.low, factor * interval.high]
        .sort((a, b) => a - b)
        .map((bound) => signed(bound, digits))
        .join(' … ')}${unit}`

/** Accuracy with labels, then what is known against the reference. */
export function evaluationRows({ model, reference, drop, lossIncrease, agreement, kl }: EvaluationView): MeasureRow[] {
  const rows: MeasureRow[] = []
  if (model) {
    rows.push({
      metric: 'top-1',
      model: percent(model.top1),
      reference: percent(reference?.top1),
      interval: boundsOf(drop, -100, 2, ' points'),
    })
    if (model.top5 !== null)
      rows.push({ metric: 'top-5', model: percent(model.top5), reference: percent(reference?.top5), interval: '' })
    rows.push({
      metric: 'loss (nats)',
      model: model.loss.toFixed(4),
      reference: reference?.loss.toFixed(4) ?? '',
      interval: boundsOf(lossIncrease, 1, 4, ''),
    })
  }
  const alone = { reference: '', interval: '' }
  if (agreement !== null) rows.push({ metric: 'agreement', model: percent(agreement), ...alone })
  if (kl !== null) rows.push({ metric: 'KL to the reference (nats)', model: kl.toPrecision(4), ...alone })
  return rows
}

/** Outputs that are equal, to the last digit that doubles hold, have this SQNR; the store keeps no infinity. */
const EQUAL_SQNR_DB = 400

/** SQNR of an output in words. */
export function sqnrText(sqnrDb: number): string {
  return sqnrDb >= EQUAL_SQNR_DB ? 'equal' : `${sqnrDb.toFixed(2)} dB`
}

/** How fast, in a sentence. */
export function benchText({ medianMs, referenceMedianMs, speedup, interval, batch, threads, runs }: BenchView): string {
  const how = `median of ${runs} runs, batch ${batch}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  if (referenceMedianMs === null || speedup === null) return `${medianMs.toFixed(3)} ms (${how}).`
  const bounds = interval ? ` (95 %: ${interval.low.toFixed(2)} … ${interval.high.toFixed(2)})` : ''
  return `${medianMs.toFixed(3)} ms, the reference ${referenceMedianMs.toFixed(3)} ms: ${speedup.toFixed(2)}× as fast${bounds}; ${how}.`
}
