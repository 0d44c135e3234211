import type { Dim } from '../../../shared/contract/tensor.ts'
import type { Engine } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import { inferShapes, numericDims, type Fact, type ShapeMap } from '../../graph/shapes/index.ts'
import { runExposed } from './expose.ts'
import { batchAxis, makeFeeds, type InputShapes } from './sample-feeds.ts'

/** Dims of every tensor in one concrete run. */
export type ConcreteShapes = ReadonlyMap<string, readonly number[]>

/**
 * The dims every tensor has when the inputs have these shapes: inferred where possible; the rest is measured by running the
 * model once. What cannot be fetched is missing.
 */
export async function observeShapes(engine: Engine, model: Model, inputShapes: InputShapes): Promise<ConcreteShapes> {
  const inferred = inferShapes(model, { inputShapes, onProblem: () => undefined })
  const concrete = new Map<string, readonly number[]>()
  const open: string[] = []
  for (const node of model.graph.nodes) {
    for (const name of node.outputs) {
      const dims = numericDims(inferred.get(name)?.shape ?? null)
      if (dims !== null) concrete.set(name, dims)
      else if (name !== '') open.push(name)
    }
  }
  for (const [name, dims] of inputShapes) concrete.set(name, dims)
  if (open.length === 0) return concrete
  const found = await runExposed(engine, model, open, makeFeeds(model, inputShapes, 'normal', 1))
  for (const [name, { dims }] of Object.entries(found)) concrete.set(name, dims)
  return concrete
}

/**
 * The static shapes with gaps filled from runs: an axis that has the same length with one and with two samples has that
 * length; one that is 1 and 2 is the batch. Only where the batch alone is open; with open picture sides a length seen once
 * says nothing about another size, and only ranks are filled.
 */
export function fillShapes(model: Model, shapes: ShapeMap, one: ConcreteShapes, two: ConcreteShapes | null): ShapeMap {
  const batch = batchAxis(model)
  const lengthsHold = openAxes(model) === (batch === null ? 0 : 1) && (batch === null || two !== null)
  const filled = new Map<string, Fact>(shapes)
  for (const [name, dims] of one) {
    const fact = shapes.get(name)
    if (fact === undefined || (fact.shape !== null && !fact.shape.includes(null))) continue
    const other = two?.get(name) ?? dims
    const seen = dims.map((length, axis): Dim =>
      !lengthsHold ? null : seenDim(length, other[axis], batch?.symbol ?? null),
    )
    const known = fact.shape?.length === dims.length ? fact.shape : dims.map(() => null)
    filled.set(name, { ...fact, shape: known.map((dim, axis) => dim ?? seen[axis]!) })
  }
  return filled
}

function seenDim(one: number, two: number | undefined, batch: string | null): Dim {
  if (one === two) return one
  return one === 1 && two === 2 ? batch : null
}

/** Distinct open axes of the graph inputs: symbols once each, unnamed ones each for itself. */
function openAxes(model: Model): number {
  const open = model.graph.inputs.flatMap(({ name, shape }) => {
    if (model.graph.initializers.has(name)) return []
    return (shape ?? [null])
      .map((dim, axis) => (dim === null ? `${name}/${axis}` : dim))
      .filter((dim) => typeof dim === 'string')
  })
  return new Set(open).size
}
