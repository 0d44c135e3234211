import type { Engine, Feeds } from '../../../engines/port.ts'
import { modelBytes } from '../../../formats/onnx/index.ts'
import type { Model } from '../../../graph/model.ts'
import { isDistribution, klDivergence, measurePair, type ScoreKind } from '../../../quant/metrics.ts'

/** How far a model's outputs are from the float model's, on the samples of the repair. */
export class OutputDistance {
  readonly measure: string
  readonly #engine: Engine
  readonly #batches: readonly Feeds[]
  readonly #options: { readonly threads: number }
  readonly #wanted: readonly Feeds[]
  readonly #kind: ScoreKind | null

  private constructor(
    engine: Engine,
    batches: readonly Feeds[],
    options: { readonly threads: number },
    wanted: readonly Feeds[],
  ) {
    this.#engine = engine
    this.#batches = batches
    this.#options = options
    this.#wanted = wanted
    this.#kind = scoreKindOf(wanted)
    this.measure = this.#kind === null ? 'noise of the outputs over their signal' : 'KL of the class scores in nats'
  }

  static async to(
    engine: Engine,
    model: Model,
    batches: readonly Feeds[],
    options: { readonly threads: number },
  ): Promise<OutputDistance> {
    return new OutputDistance(engine, batches, options, await runAll(engine, model, batches, options))
  }

  async of(model: Model): Promise<number> {
    const found = await runAll(this.#engine, model, this.#batches, this.#options)
    let [sum, count] = [0, 0]
    found.forEach((outputs, i) => {
      for (const [name, wanted] of Object.entries(this.#wanted[i]!)) {
        if (wanted.dataType !== 'float') continue
        const [a, b] = [wanted.data as Float32Array, outputs[name]!.data as Float32Array]
        if (this.#kind === null) {
          const { noise, signal } = measurePair(a, b)
          sum += signal > 0 ? noise / signal : noise
          count++
          continue
        }
        const rows = wanted.dims[0] ?? 1
        const length = a.length / rows
        for (let row = 0; row < rows; row++, count++) {
          const at = [row * length, (row + 1) * length] as const
          sum += scoreDistance(a.subarray(...at), b.subarray(...at), this.#kind)
        }
      }
    })
    return sum / Math.max(1, count)
  }
}

/** Standard deviation that scores are brought to: that of a usual classifier's. */
const SCORE_DEVIATION = 3

/**
 * KL of two rows of class scores. Scores far apart (some models give thousands) are brought nearer together first: with theirs a single
 * sample that changes sides would outweigh all others.
 */
function scoreDistance(wanted: Float32Array, found: Float32Array, kind: ScoreKind): number {
  if (kind === 'probabilities') return klDivergence(wanted, found, kind)
  const mean = wanted.reduce((sum, value) => sum + value, 0) / wanted.length
  const deviation = Math.sqrt(wanted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / wanted.length)
  if (deviation <= SCORE_DEVIATION) return klDivergence(wanted, found, kind)
  const factor = SCORE_DEVIATION / deviation
  return klDivergence(
    wanted.map((value) => value * factor),
    found.map((value) => value * factor),
    kind,
  )
}

async function runAll(
  engine: Engine,
  model: Model,
  batches: readonly Feeds[],
  options: { readonly threads: number },
): Promise<Feeds[]> {
  const session = await engine.createSession(modelBytes(model), options)
  try {
    const outputs: Feeds[] = []
    for (const feeds of batches) outputs.push(await session.run(feeds))
    return outputs
  } finally {
    await session.release()
  }
}

/** How the only output is to be read, null where the model does not classify. */
function scoreKindOf(outputs: readonly Feeds[]): ScoreKind | null {
  const rows = outputs.flatMap((feeds) => Object.values(feeds))
  const isScores = rows.every(({ dims, dataType }) => dataType === 'float' && dims.length === 2 && dims[1]! > 1)
  if (!isScores || Object.keys(outputs[0] ?? {}).length !== 1) return null
  return rows.every(({ data, dims }) => isDistribution((data as Float32Array).subarray(0, dims[1])))
    ? 'probabilities'
    : 'logits'
}
