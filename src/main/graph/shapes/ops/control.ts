import type { Infer } from '../context.ts'
import type { Fact } from '../facts.ts'
import { common, UNKNOWN } from '../facts.ts'

/** Source: ONNX If-21: what both branches agree on. */
export const inferIf: Infer = (op) => {
  const branches = ['then_branch', 'else_branch'].map((name): readonly Fact[] => {
    const attribute = op.node.attributes.get(name)
    return attribute?.kind === 'graph' ? op.inferBody(attribute.value, []) : []
  })
  return op.node.outputs.map((_, i) => common(branches[0]![i] ?? UNKNOWN, branches[1]![i] ?? UNKNOWN))
}

/**
 * Loop and Scan: types pass through the body, shapes may change from turn to turn and stay unknown. The body is still
 * looked through, so that contradictions inside it are found.
 * Source: ONNX Loop-21: M, cond, v_initial…; body (i, cond, v…) → (cond, v…, scan…).
 */
export const inferLoop: Infer = (op) => {
  const body = op.node.attributes.get('body')
  if (body?.kind !== 'graph') return []
  const carried = op
    .inputs()
    .slice(2)
    .map(({ dataType }): Fact => ({ ...UNKNOWN, dataType }))
  const inner = op.inferBody(body.value, [
    { dataType: 'int64', shape: [], values: null },
    { dataType: 'bool', shape: [], values: null },
    ...carried,
  ])
  return op.node.outputs.map((_, i): Fact => ({ ...UNKNOWN, dataType: inner[i + 1]?.dataType ?? null }))
}

/** Source: ONNX Scan-21. Only what the file declares of the outputs is known. */
export const inferNothing: Infer = () => []
