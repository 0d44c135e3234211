import { Fault } from '../../shared/contract/fault.ts'
import type { FaultCode } from '../../shared/contract/fault.ts'
import type { Graph, Model, Node, ValueInfo } from './model.ts'
import { findCycle, sortNodes } from './order.ts'
import { byteLengthOf, elementCount } from './tensors.ts'
import { mapSubgraphs, subgraphsOf } from './traversal.ts'

/** Lowest opset that can be upgraded. Source: DESIGN section 5, preparation. */
export const minOpset = 7
/** Highest opset of ai.onnx that onnxruntime 1.30 loads. Source: tried, 26 loads and 27 is refused. */
export const maxOpset = 26
/** Highest IR version that onnxruntime 1.30 loads. Source: tried, 13 loads and 14 is refused. */
export const maxIrVersion = 13
/** Operator sets that onnxruntime brings along. */
const knownDomains: ReadonlySet<string> = new Set(['', 'ai.onnx.ml', 'com.microsoft'])
/** Elements of one input or output beyond which no run can succeed: 4 GiB of float32. */
const maxElements = 2 ** 30
/** Problems spelled out in a message; the rest is counted. */
const shownProblems = 3

export interface Validated {
  readonly model: Model
  /** sentences: what was odd and has been put right */
  readonly notes: readonly string[]
}

interface Finding {
  readonly code: FaultCode
  readonly message: string
}

type Report = (code: `model.${string}`, message: string) => void

/**
 * Checks that a model is a sound graph that the runtime can be asked to load: versions, domains, single assignment, no
 * dangling reads, no cycles, every output produced, constants as large as their shapes. Nodes out of order are sorted.
 * @param source name of the file, for messages
 * @throws Fault model.irUnsupported, model.opsetUnsupported, model.opUnsupported, model.duplicateName, model.dangling,
 *   model.cycle, model.outputMissing, model.tensorSize, model.shape, model.malformed, or model.invalid where problems of several
 *   sorts come together; the first few are named, `data.problems` holds up to 20
 * Source: ONNX IR.md, graphs.
 */
export function validateModel(model: Model, source = 'the model'): Validated {
  const findings: Finding[] = []
  const report: Report = (code, message) => {
    findings.push({ code, message })
  }
  const notes: string[] = []
  checkVersions(model, report)
  checkOperators(model, report)
  const graph = checkGraph(model.graph, new Set(), report, notes)
  if (findings.length > 0) throw faultOf(findings, source)
  return { model: graph === model.graph ? model : { ...model, graph }, notes: [...new Set(notes)] }
}

function faultOf(findings: readonly Finding[], source: string): Fault {
  const first = findings[0]!
  const code = findings.every((finding) => finding.code === first.code) ? first.code : 'model.invalid'
  const shown = findings.slice(0, shownProblems).map(({ message }) => message)
  const more = findings.length - shown.length
  const text = shown.join('; ') + (more > 0 ? `; and ${more} more ${more === 1 ? 'problem' : 'problems'}` : '')
  return new Fault(code, `${source}: ${text}`, { problems: findings.slice(0, 20).map(({ message }) => message) })
}

function checkVersions({ irVersion, opsets }: Model, report: Report): void {
  const opset = opsets.get('')
  if (opset === undefined)
    report('model.opsetUnsupported', 'it imports no ai.onnx operator set: export the model again')
  else if (opset < minOpset || opset > maxOpset) {
    report(
      'model.opsetUnsupported',
      `it uses ai.onnx opset ${opset}; ${minOpset} to ${maxOpset} are supported: export the model with one of those`,
    )
    // a file of another age has both numbers out of range, and one cure
    return
  }
  if (irVersion < 1 || irVersion > maxIrVersion) {
    report(
      'model.irUnsupported',
      `it states IR version ${irVersion}; versions 1 to ${maxIrVersion} can be run: export the model for an older ONNX release`,
    )
  }
}

/** Each operator of a domain that is not known, not imported or not defined in the file is reported once. */
function checkOperators(model: Model, report: Report): void {
  const seen = new Set<string>()
  forEachNode(model.graph, (node, index) => {
    const operator = `${node.domain}::${node.opType}`
    if (seen.has(operator)) return
    seen.add(operator)
    if (node.opType === '') report('model.malformed', `${labelOf(node, index)} names no operator`)
    else if (model.functions?.has(operator)) return
    else if (!knownDomains.has(node.domain)) {
      report(
        'model.opUnsupported',
        `${labelOf(node, index)} is a custom operator of domain "${node.domain}", which no runtime here provides`,
      )
    } else if (node.domain !== '' && !model.opsets.has(node.domain)) {
      report(
        'model.opsetUnsupported',
        `${labelOf(node, index)} is of domain "${node.domain}", which the model does not import`,
      )
    }
  })
}

function forEachNode(graph: Graph, visit: (node: Node, index: number) => void): void {
  graph.nodes.forEach((node, index) => {
    visit(node, index)
    for (const inner of subgraphsOf(node)) forEachNode(inner, visit)
  })
}

function labelOf(node: Node, index: number): string {
  return `node ${node.name === '' ? index : `"${node.name}"`} (${node.opType || '?'})`
}

/** Checks one graph and what lies inside it; gives it back, sorted where it was out of order. */
function checkGraph(graph: Graph, outer: ReadonlySet<string>, report: Report, notes: string[]): Graph {
  const names = definedNames(graph, report)
  const visible = outer.size === 0 ? names : new Set([...outer, ...names])
  checkReads(graph, visible, report)
  checkValues(graph, report)
  let isChanged = false
  const nodes = graph.nodes.map((node) =>
    mapSubgraphs(node, (inner) => {
      const checked = checkGraph(inner, visible, report, notes)
      isChanged ||= checked !== inner
      return checked
    }),
  )
  return ordered(isChanged ? { ...graph, nodes } : graph, report, notes)
}

/** All names a graph defines, each by one place. */
function definedNames(graph: Graph, report: Report): Set<string> {
  const names = new Set<string>()
  const define = (name: string, what: () => string): void => {
    if (names.has(name))
      report('model.duplicateName', `the tensor "${name}" is defined twice, the second time by ${what()}`)
    names.add(name)
  }
  for (const { name } of graph.inputs) {
    if (name === '') report('model.malformed', 'a graph input has no name')
    define(name, () => 'the list of graph inputs')
  }
  // an initializer listed as an input is that input's default, not a second definition
  const inputs = new Set(names)
  for (const name of [...graph.initializers.keys(), ...(graph.opaqueNames ?? [])]) {
    if (name === '') report('model.malformed', 'an initializer has no name')
    if (!inputs.has(name)) define(name, () => 'an initializer')
  }
  graph.nodes.forEach((node, index) => {
    for (const name of node.outputs) if (name !== '') define(name, () => labelOf(node, index))
  })
  return names
}

function checkReads(graph: Graph, visible: ReadonlySet<string>, report: Report): void {
  graph.nodes.forEach((node, index) => {
    for (const name of node.inputs) {
      if (name !== '' && !visible.has(name))
        report('model.dangling', `${labelOf(node, index)} reads "${name}", which nothing produces`)
    }
  })
  for (const { name } of graph.outputs) {
    if (name === '') report('model.malformed', 'a graph output has no name')
    else if (!visible.has(name)) report('model.outputMissing', `nothing produces the graph output "${name}"`)
  }
}

function checkValues(graph: Graph, report: Report): void {
  for (const value of [...graph.inputs, ...graph.outputs]) {
    checkShape(value, report)
    // tensors are fed to the runtime and come back as members of plain objects, which have these already
    if (value.name in Object.prototype)
      report('model.malformed', `"${value.name}" cannot be the name of an input or output here: rename it`)
  }
  for (const { name, dataType, dims, data, strings } of graph.initializers.values()) {
    const expected = dataType === 'string' ? elementCount(dims) : byteLengthOf(dataType, dims)
    const found = dataType === 'string' ? (strings?.length ?? 0) : data.length
    if (found !== expected) {
      const unit = dataType === 'string' ? 'strings' : 'bytes'
      report(
        'model.tensorSize',
        `initializer "${name}" of shape [${dims.join(', ')}] needs ${expected} ${unit} but holds ${found}`,
      )
    }
  }
}

function checkShape({ name, shape }: ValueInfo, report: Report): void {
  const known = (shape ?? []).filter((dim) => typeof dim === 'number')
  if (known.some((dim) => dim < 0 || !Number.isSafeInteger(dim))) {
    report('model.shape', `"${name}" has shape [${shape!.join(', ')}]; lengths are whole numbers from 0 on`)
  } else if (elementCount(known) > maxElements) {
    report(
      'model.shape',
      `"${name}" has shape [${shape!.map((dim) => dim ?? '?').join(', ')}], too many elements for any run`,
    )
  }
}

function ordered(graph: Graph, report: Report, notes: string[]): Graph {
  const nodes = sortNodes(graph.nodes)
  if (nodes === null) {
    const cycle = findCycle(graph.nodes).map((node) => (node.name === '' ? node.opType : `"${node.name}"`))
    const shown = cycle.length > 6 ? [...cycle.slice(0, 5), '…', cycle.at(-1)!] : cycle
    report('model.cycle', `its nodes form a cycle: ${[...shown, shown[0]!].join(' → ')}`)
    return graph
  }
  if (nodes.every((node, i) => node === graph.nodes[i])) return graph
  notes.push('Nodes stood before the nodes whose results they read; they have been sorted.')
  return { ...graph, nodes }
}
