import type { Execution, LayerInfo } from '../../shared/contract/model.ts'
import type { QuantMode } from '../../shared/contract/plan.ts'
import type { Model, Node } from '../graph/model.ts'
import { computesIntegers, integerTensors, isIntegerKernel } from './execution-kernels.ts'
import { groupTimes, type Profile } from './execution-profile.ts'
import { explainLayer } from './execution-reasons.ts'
import { fileStructure, finishingNodes, type FileStructure } from './execution-structure.ts'
import type { QuantizeReport } from './quantize.ts'

/** What was loaded and what ONNX Runtime made of it. */
export interface ExecutionInput {
  /** layers of the prepared model, or `findLayers` of the file itself where that is all there is */
  readonly layers: readonly LayerInfo[]
  /** the file that was loaded */
  readonly model: Model
  /** the optimised graph of the very session that was profiled */
  readonly dump: Model
  /** null where only the graph was looked at: times are null then */
  readonly profile: Profile | null
  /** the quantizer's table of nodes and tensors; null for a file that was not quantized just now */
  readonly report: Pick<QuantizeReport, 'layers' | 'nodes' | 'tensors'> | null
  /** runs at the beginning that do not count, default 1 */
  readonly warmupRuns?: number
}

/** How one layer ran. */
export interface LayerExecution {
  readonly id: string
  readonly op: string
  readonly execution: Execution
  /** median over the runs of the time of all its kernels; 0 for one that was merged away, null without a profile */
  readonly ms: number | null
  /** operators of its kernels in the optimised graph, domains dropped */
  readonly kernels: readonly string[]
  /** why a layer that is quantized in the file did not run in integers; null where it did, or was not meant to */
  readonly reason: string | null
}

/** Kernels that belong to no layer, by operator: conversions at borders, layout changes, what could not be matched. */
export interface OtherKernels {
  readonly kernel: string
  readonly count: number
  readonly ms: number | null
}

export interface ExecutionReport {
  readonly layers: readonly LayerExecution[]
  readonly other: readonly OtherKernels[]
  /** sentences: layers planned float that the runtime computes in integers */
  readonly errors: readonly string[]
  /** median over the runs of the time of all kernels */
  readonly totalMs: number | null
  /** runs that counted */
  readonly runs: number
}

/**
 * Says for each layer whether it runs in integers, simulated (quantized in the file, computed in float) or in float, from
 * the optimised graph and the profile alone, never from the plan. A node of the optimised graph belongs to the layer whose
 * node it names (`_token_<n>` stripped), else to the one whose tensor it writes or, for the blocked layouts, is named after
 * (`_nchwc` stripped). What is left over is reported as `other`.
 * Source: DESIGN sections 5 ("Really integer") and 6 ("Node identity").
 */
export function readExecution(given: ExecutionInput): ExecutionReport {
  const structure = fileStructure(given.model)
  const finishing = given.report ? new Map<string, string>() : finishingLayers(given.layers, structure)
  const input = { ...given, layers: given.layers.filter(({ id }) => !finishing.has(id)) }
  const owners = layerOfNodes(input, finishing)
  const integers = integerTensors(input.dump)
  const kernels = new Map<string, Node[]>()
  for (const node of input.dump.graph.nodes) {
    const id = owners.get(node.name)
    if (id !== undefined) kernels.set(id, [...(kernels.get(id) ?? []), node])
  }
  const times = timesOf(input, owners)
  const layers = input.layers.map((layer) =>
    layerExecution(layer, kernels.get(layer.id) ?? [], integers, structure, times, input),
  )
  return {
    layers,
    other: otherKernels(input, owners, times),
    errors: forbidden(input, kernels, structure),
    totalMs: times?.get(total) ?? null,
    runs: input.profile ? countedRuns(input.profile, input.warmupRuns ?? 1) : 0,
  }
}

/** Name of each node that finishes another layer's result → that layer's id, from the file alone. */
function finishingLayers(layers: readonly LayerInfo[], structure: FileStructure): Map<string, string> {
  const finishing = new Map<string, string>()
  for (const { id } of layers) {
    const main = structure.nodes.get(id)
    for (const { name } of main ? finishingNodes(main, structure) : []) finishing.set(name, id)
  }
  return finishing
}

const token = /_token_\d+$/

/** Name of each dump node that belongs to a layer → the layer's id. */
function layerOfNodes(
  { layers, dump, report, model }: ExecutionInput,
  finishing: ReadonlyMap<string, string>,
): Map<string, string> {
  const nodes = new Map(report?.nodes ?? [])
  const tensors = new Map(report?.tensors ?? [])
  for (const layer of layers) {
    for (const node of layer.nodes) nodes.set(node, layer.id)
    for (const output of layer.outputs) tensors.set(output, layer.id)
  }
  for (const [node, id] of finishing) nodes.set(node, id)
  const own = new Set(layers.map(({ id }) => id))
  for (const node of model.graph.nodes) {
    const id = nodes.get(node.name)
    if (id !== undefined) for (const output of node.outputs) tensors.set(output, id)
  }
  const owners = new Map<string, string>()
  for (const node of dump.graph.nodes) {
    const id = ownerOf(node, nodes, tensors)
    if (id !== undefined && own.has(id)) owners.set(node.name, id)
  }
  return owners
}

function ownerOf(
  node: Node,
  nodes: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, string>,
): string | undefined {
  const name = node.name.replace(token, '')
  const named = nodes.get(node.name) ?? nodes.get(name)
  if (named !== undefined) return named
  if (name.endsWith('_nchwc')) return tensors.get(name.slice(0, -'_nchwc'.length))
  for (const output of node.outputs) {
    const written = tensors.get(output.replace(token, ''))
    // a conversion writes a layer's tensor, but is the border, not the layer
    if (written !== undefined && !borderOps.has(node.opType)) return written
  }
  return undefined
}

const borderOps = new Set(['QuantizeLinear', 'DequantizeLinear', 'ReorderInput', 'ReorderOutput', 'Transpose'])

/** Group of all kernels together; not a name a node could have. */
const total = '\0total'
const otherPrefix = '\0other '

function countedRuns(profile: Profile, warmup: number): number {
  return Math.max(0, profile.runs - Math.min(warmup, Math.max(0, profile.runs - 1)))
}

/** Milliseconds by layer id, by `otherPrefix` + op, and in total. */
function timesOf(
  { profile, warmupRuns = 1, layers, report }: ExecutionInput,
  owners: ReadonlyMap<string, string>,
): Map<string, number> | null {
  if (!profile) return null
  const direct = new Set(layers.map(({ id }) => id))
  const times = groupTimes(
    profile,
    ({ node, op }) => {
      const id = owners.get(node) ?? report?.nodes.get(node)
      return id !== undefined && direct.has(id) ? id : otherPrefix + op
    },
    warmupRuns,
  )
  const [all] = groupTimes(profile, () => total, warmupRuns)
  if (all) times.set(total, all[1])
  return times
}

function layerExecution(
  layer: LayerInfo,
  kernels: readonly Node[],
  integers: ReadonlySet<string>,
  structure: FileStructure,
  times: ReadonlyMap<string, number> | null,
  input: ExecutionInput,
): LayerExecution {
  const mode = modeOf(layer, structure, input)
  const integer = kernels.some((node) => isIntegerKernel(node, integers))
  const execution: Execution = integer ? 'int8' : mode !== null ? 'simulated' : 'float'
  return {
    id: layer.id,
    op: layer.op,
    execution,
    ms: times === null ? null : (times.get(layer.id) ?? 0),
    kernels: [...new Set(kernels.map(({ opType }) => opType))],
    reason: execution === 'simulated' ? reasonOf(layer, mode!, kernels, structure, input) : null,
  }
}

/** The quantizer's own words where it chose float arithmetic itself, else what the file shows. */
function reasonOf(
  layer: LayerInfo,
  mode: QuantMode,
  kernels: readonly Node[],
  structure: FileStructure,
  { report }: ExecutionInput,
): string {
  const said = report?.layers.find(({ id }) => id === layer.id)?.warnings ?? []
  if (mode === 'weightOnly' && said.length > 0) return said.join(' ')
  return explainLayer({ layer, mode, kernels, structure })
}

/** The mode the file holds a layer in: as the quantizer reports it, else as the file's own structure shows. */
function modeOf(layer: LayerInfo, structure: FileStructure, { report }: ExecutionInput): QuantMode | null {
  // movement is quantized only where integers reach it: with a pair behind it alone, it moves floats
  if (!report || layer.role === 'movement') return structure.modeOf(layer)
  return report.layers.find(({ id }) => id === layer.id)?.mode ?? null
}

function otherKernels(
  { dump, profile }: ExecutionInput,
  owners: ReadonlyMap<string, string>,
  times: ReadonlyMap<string, number> | null,
): OtherKernels[] {
  const counts = new Map<string, number>()
  for (const node of dump.graph.nodes) {
    if (!owners.has(node.name)) counts.set(node.opType, (counts.get(node.opType) ?? 0) + 1)
  }
  if (profile && times) {
    // kernels of subgraphs, which the main graph does not list
    for (const group of times.keys()) {
      const kernel = group.startsWith(otherPrefix) ? group.slice(otherPrefix.length) : null
      if (kernel !== null && !counts.has(kernel)) counts.set(kernel, 0)
    }
  }
  return [...counts].map(([kernel, count]) => ({
    kernel,
    count,
    ms: times === null ? null : (times.get(otherPrefix + kernel) ?? 0),
  }))
}

/** Layers planned float (not quantized in the file) that compute in integers. */
function forbidden(
  input: ExecutionInput,
  kernels: ReadonlyMap<string, readonly Node[]>,
  structure: FileStructure,
): string[] {
  return input.layers.flatMap((layer) => {
    if (modeOf(layer, structure, input) !== null) return []
    const kernel = (kernels.get(layer.id) ?? []).find(computesIntegers)
    if (!kernel) return []
    return [
      `Layer ${layer.id} is to stay in float, but ONNX Runtime computes it in integers (${kernel.opType}): its accuracy is not that of float.`,
    ]
  })
}
