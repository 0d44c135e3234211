import type { Tensor } from '../../../graph/model.ts'
import type { Lowering } from '../lower/lowering.ts'
import { Malformed } from '../lower/problem.ts'
import type { Value } from '../lower/value.ts'
import type { Config } from './config.ts'

/** One use of a layer: what its operators see. */
export interface Call {
  readonly to: Lowering
  /** id of the main node */
  readonly name: string
  readonly config: Config
  readonly inputs: readonly Value[]
  /** A weight of the layer. @throws Malformed when it is not in the file or has another shape; null in `shape` is any length */
  readonly weight: (name: string, shape?: readonly (number | null)[]) => Value
  /** A weight that may be missing. */
  readonly optionalWeight: (name: string) => Value | null
}

/** The only input. @throws Malformed where there are more or none */
export function onlyInput({ inputs }: Call): Value {
  const [x] = inputs
  if (!x || inputs.length !== 1) throw new Malformed(`gets ${inputs.length} inputs, expected 1`)
  return x
}

/** Finds the weights of a layer by the names that TensorFlow.js and Keras give them. Source: tfjs-layers, Container.loadWeights. */
export function weightFinder(
  weights: ReadonlyMap<string, Tensor>,
  valueOf: (tensor: Tensor) => Value,
  layer: string,
): Pick<Call, 'weight' | 'optionalWeight'> {
  const optionalWeight = (name: string): Value | null => {
    const found = weights.get(`${layer}/${name}`) ?? byEnds(weights, layer, name)
    return found ? valueOf(found) : null
  }
  const weight = (name: string, shape?: readonly (number | null)[]): Value => {
    const value = optionalWeight(name)
    if (!value) throw new Malformed(`has no weight "${layer}/${name}" in the file`)
    const fits =
      !shape ||
      (shape.length === value.dims.length && shape.every((dim, axis) => dim === null || dim === value.dims[axis]))
    if (!fits) {
      const expected = shape.map((dim) => dim ?? '?').join(', ')
      throw new Malformed(`has "${layer}/${name}" of [${value.dims.join(', ')}], expected [${expected}]`)
    }
    return value
  }
  return { weight, optionalWeight }
}

/** `layer/cell/name`, and `outer/layer/name` where only one weight ends so. */
function byEnds(weights: ReadonlyMap<string, Tensor>, layer: string, name: string): Tensor | null {
  const found = [...weights.keys()].filter((key) => {
    const tokens = key.split('/')
    if (tokens.at(-1) !== name) return false
    return tokens.at(-2) === layer || [...tokens.slice(0, -2)].join('/') === layer
  })
  return found.length === 1 ? weights.get(found[0]!)! : null
}
