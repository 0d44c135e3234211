import type { Model } from '../../src/main/graph/model.ts'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import { prepareModel, type PreparedModel, type PrepareOptions } from '../../src/main/jobs/prepare-model.ts'
import { ModelBuilder } from './model-builder.ts'

/** One engine for all tests of a file; its library is loaded once. */
export const engine = createOrtEngine()

/** Builds a model with `body`, whose result is the name of the output tensor, and prepares it. */
export async function prepareBuilt(
  body: (b: ModelBuilder) => string | readonly string[],
  options: ConstructorParameters<typeof ModelBuilder>[0] = {},
  prepare: PrepareOptions = {},
): Promise<PreparedModel & { readonly source: Model }> {
  const source = built(body, options)
  return { ...(await prepareModel(source, { engine }, prepare)), source }
}

/** The model that `body` adds to a fresh builder; the tensors it names are the outputs. */
export function built(
  body: (b: ModelBuilder) => string | readonly string[],
  options: ConstructorParameters<typeof ModelBuilder>[0] = {},
): Model {
  const b = new ModelBuilder(options)
  const outputs = body(b)
  for (const name of typeof outputs === 'string' ? [outputs] : outputs) b.output(name)
  return b.build()
}

/** Ops of the main graph in order. */
export function opsOf(model: Model): string[] {
  return model.graph.nodes.map((node) => node.opType)
}

/** A BatchNormalization over `x` with seeded parameters of `channels`: scales of both signs, variances from 0.1 to 3. */
export function batchNorm(
  b: ModelBuilder,
  x: string,
  channels: number,
  attributes: Parameters<ModelBuilder['node']>[2] = {},
): string {
  const values = (low: number, high: number): string =>
    b.floats(Array.from({ length: channels }, () => Math.fround(low + (high - low) * b.random())))
  return b.node('BatchNormalization', [x, values(-2, 2), values(-1, 1), values(-1, 1), values(0.1, 3)], attributes)
}
