import type { DataType, Dim } from '../../../../shared/contract/tensor.ts'
import { Fault } from '../../../../shared/contract/fault.ts'
import type { Model, Tensor } from '../../../graph/model.ts'
import type { ModelJson } from '../files/model-json.ts'
import { Problems } from '../lower/collect.ts'
import { Lowering } from '../lower/lowering.ts'
import { Malformed, Unsupported } from '../lower/problem.ts'
import type { Value } from '../lower/value.ts'
import { weightFinder } from './call.ts'
import { Config } from './config.ts'
import { LAYERS } from './registry.ts'
import { parseTopology, type LayerEntry, type Network, type Reference } from './topology.ts'

interface Scope {
  readonly to: Lowering
  readonly weights: ReadonlyMap<string, Tensor>
  readonly problems: Problems
  readonly source: string
  /** one value for each weight, so that a layer used twice stores it once */
  readonly values: Map<Tensor, Value>
}

/**
 * A layers-model as an ONNX graph: inputs and outputs named after their layers and in the model's own order of axes, nodes named after
 * theirs.
 * @throws Fault format.malformed, model.opUnsupported naming all layers that are not read, model.malformed, model.cycle
 */
export function readLayersModel(json: ModelJson, weights: ReadonlyMap<string, Tensor>, source: string): Model {
  const network = parseTopology(json.topology, source)
  const problems = new Problems()
  reportUnknown(network, problems)
  problems.throwIfAny(source)
  const scope: Scope = { to: new Lowering(), weights, problems, source, values: new Map() }
  const outputs = lowerNetwork(scope, network, null)
  // what is still to be written of an output may not fit either
  for (const [name, value] of outputs) problems.attempt(name, 'output', () => scope.to.read(value))
  problems.throwIfAny(source)
  return scope.to.finish(outputs, json.producer)
}

function reportUnknown(network: Network, problems: Problems): void {
  for (const { className, name, nested } of network.layers) {
    if (nested) reportUnknown(nested, problems)
    else if (className !== 'InputLayer' && !LAYERS.has(className)) problems.unknown(name, className)
  }
}

/** Writes a network; `given` are the inputs of a nested one. Gives its outputs, in order, by their names. */
function lowerNetwork(scope: Scope, network: Network, given: readonly Value[] | null): Map<string, Value> {
  return network.inputs === null ? lowerSequential(scope, network, given) : lowerFunctional(scope, network, given)
}

function lowerSequential(scope: Scope, { layers }: Network, given: readonly Value[] | null): Map<string, Value> {
  let current: readonly Value[] | null = given
  let last = ''
  for (const entry of layers) {
    if (entry.className === 'InputLayer') {
      current ??= inputOf(scope, entry, entry.name)
      last = entry.name
      continue
    }
    current ??= firstInput(scope, entry)
    current = current && callLayer(scope, entry, entry.name, current)
    if (!current) return new Map()
    last = entry.name
  }
  return new Map((current ?? []).map((value, i) => [i === 0 ? last : `${last}_${i}`, value]))
}

/** The input of a Sequential model without an InputLayer; where the first layer is itself a model, the first layer in that. */
function firstInput(scope: Scope, entry: LayerEntry): Value[] | null {
  const first = entry.nested?.layers[0]
  const holder = entry.config['batch_input_shape'] === undefined && first ? first : entry
  if (holder.className === 'InputLayer') return inputOf(scope, holder, holder.name)
  if (holder !== entry && holder.nested) return firstInput(scope, holder)
  return inputOf(scope, holder, `${holder.name}_input`)
}

const DATA_TYPES: Readonly<Record<string, DataType>> = { float32: 'float', int32: 'int32', bool: 'bool' }

function inputOf(
  { to, problems }: Scope,
  { config, className, name: layer }: LayerEntry,
  name: string,
): Value[] | null {
  return problems.attempt(layer, className, () => {
    const shape = config['batch_input_shape'] ?? config['batch_shape']
    if (!Array.isArray(shape) || shape.length === 0)
      throw new Malformed('gives no batch_input_shape, so that the size of its input is not known')
    const dims = shape.map((dim: unknown, axis): Dim => {
      if (dim === null) return axis === 0 ? 'N' : `${name}_${axis}`
      if (!Number.isInteger(dim) || (dim as number) < 1 || (dim as number) > 2 ** 30)
        throw new Malformed(`has an input length of ${JSON.stringify(dim)?.slice(0, 40)}`)
      return dim as number
    })
    const dtype = config['dtype'] ?? 'float32'
    if (typeof dtype !== 'string' || !Object.hasOwn(DATA_TYPES, dtype))
      throw new Unsupported(`has an input of type ${JSON.stringify(dtype)?.slice(0, 40)}`)
    return [to.input(name, DATA_TYPES[dtype]!, dims)]
  })
}

interface Task {
  readonly entry: LayerEntry
  /** as references count it */
  readonly index: number
  /** the index of the layer's first use */
  readonly first: number
  readonly reads: readonly Reference[]
}

function lowerFunctional(scope: Scope, network: Network, given: readonly Value[] | null): Map<string, Value> {
  const results = new Map<string, readonly Value[] | null>()
  const key = ({ layer, call }: Pick<Reference, 'layer' | 'call'>): string => `${call}:${layer}`
  network.inputs!.forEach((reference, i) => {
    const entry = network.layers.find(({ name }) => name === reference.layer)
    if (entry?.className !== 'InputLayer') throw damaged(scope, `the input "${reference.layer}" is no InputLayer`)
    results.set(key(reference), given ? (given[i] ? [given[i]] : null) : inputOf(scope, entry, entry.name))
  })
  const tasks = network.layers
    .filter(({ className }) => className !== 'InputLayer')
    .flatMap((entry) => {
      const first = firstCall(network, entry)
      return entry.calls!.map((reads, at): Task => ({ entry, index: first + at, first, reads }))
    })
  for (const { entry, index, first, reads } of inOrder(scope, tasks, results, key)) {
    const inputs = reads.map((reference) => results.get(key(reference))?.[reference.output])
    const name = index === first ? entry.name : `${entry.name}_${index - first}`
    const isWhole = inputs.every((value) => value !== undefined)
    // what an earlier problem left without a value is passed over: the problem itself is told
    results.set(key({ layer: entry.name, call: index }), isWhole ? callLayer(scope, entry, name, inputs) : null)
  }
  const outputs = new Map<string, Value>()
  for (const reference of network.outputs!) {
    const found = results.get(key(reference))
    if (found === undefined) throw damaged(scope, `the output "${reference.layer}" is not computed by any layer`)
    const value = found?.[reference.output]
    if (value) outputs.set(outputName(reference, outputs), value)
  }
  return outputs
}

/**
 * The index of a layer's first use: a nested model that knows the shape of its inputs has a use of its own before that, which is not
 * written down. Source: keras 2, functional.py, _should_skip_first_node; tfjs-layers, Container.
 */
function firstCall(network: Network, { nested, name }: LayerEntry): number {
  if (!nested || (nested.inputs === null && !knowsInput(nested))) return 0
  const references = [...network.outputs!, ...network.layers.flatMap(({ calls }) => calls?.flat() ?? [])]
  return references.some(({ layer, call }) => layer === name && call === 0) ? 0 : 1
}

function knowsInput({ layers }: Network): boolean {
  const [first] = layers
  if (!first) return false
  if (first.className === 'InputLayer' || first.config['batch_input_shape'] !== undefined) return true
  return first.nested !== null && (first.nested.inputs !== null || knowsInput(first.nested))
}

function outputName({ layer }: Reference, taken: ReadonlyMap<string, Value>): string {
  let name = layer
  for (let i = 1; taken.has(name); i++) name = `${layer}_${i}`
  return name
}

/** The calls in an order in which each finds its inputs. @throws Fault model.cycle, model.dangling */
function inOrder(
  scope: Scope,
  tasks: readonly Task[],
  ready: ReadonlyMap<string, unknown>,
  key: (reference: Pick<Reference, 'layer' | 'call'>) => string,
): Task[] {
  const produced = new Map(tasks.map((task) => [key({ layer: task.entry.name, call: task.index }), task]))
  const waiting = new Map<Task, number>()
  const readers = new Map<Task, Task[]>()
  for (const task of tasks) {
    let count = 0
    for (const reference of task.reads) {
      if (ready.has(key(reference))) continue
      const source = produced.get(key(reference))
      if (!source) {
        throw new Fault(
          'model.dangling',
          `${scope.source}: the layer "${task.entry.name}" reads from "${reference.layer}" (use ${reference.call}), which is not in the model`,
        )
      }
      readers.set(source, [...(readers.get(source) ?? []), task])
      count++
    }
    waiting.set(task, count)
  }
  const order = tasks.filter((task) => waiting.get(task) === 0)
  for (let i = 0; i < order.length; i++) {
    for (const reader of readers.get(order[i]!) ?? []) {
      const left = waiting.get(reader)! - 1
      waiting.set(reader, left)
      if (left === 0) order.push(reader)
    }
  }
  if (order.length === tasks.length) return order
  const stuck = tasks.find((task) => waiting.get(task)! > 0)!
  throw new Fault('model.cycle', `${scope.source}: the layers form a cycle through "${stuck.entry.name}"`)
}

/** One use of a layer; null where it had a problem. */
function callLayer(scope: Scope, entry: LayerEntry, name: string, inputs: readonly Value[]): readonly Value[] | null {
  const { to, weights, problems, values } = scope
  if (entry.nested) {
    const outputs = [...lowerNetwork(scope, entry.nested, inputs).values()]
    return outputs.length > 0 ? outputs : null
  }
  const lower = LAYERS.get(entry.className)
  if (!lower) return null
  const valueOf = (tensor: Tensor): Value => {
    const value = values.get(tensor) ?? to.constant(tensor)
    values.set(tensor, value)
    return value
  }
  const call = { to, name, config: new Config(entry.config), inputs, ...weightFinder(weights, valueOf, entry.name) }
  return problems.attempt(entry.name, entry.className, () => [lower(call)])
}

function damaged({ source }: Scope, message: string): Fault {
  return new Fault('format.malformed', `${source} is damaged: ${message}; export the model again`)
}
