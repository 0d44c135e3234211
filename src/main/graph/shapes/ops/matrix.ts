import type { Dim } from '../../../../shared/contract/tensor.ts'
import { broadcastShapes, inputShapes, shapeText } from '../broadcast.ts'
import type { Infer, OpContext } from '../context.ts'
import { fact } from '../facts.ts'

/** Source: ONNX MatMul-13, as numpy.matmul. */
export const inferMatMul: Infer = (op) => [fact(op.type(0), product(op, op.shape(0), op.shape(1)))]

/** Source: ONNX MatMulInteger-10: int32. */
export const inferMatMulInteger: Infer = (op) => [fact('int32', product(op, op.shape(0), op.shape(1)))]

/** Source: ONNX QLinearMatMul-21: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point. */
export const inferQLinearMatMul: Infer = (op) => [fact(op.type(7) ?? op.type(0), product(op, op.shape(0), op.shape(3)))]

function product(op: OpContext, a: readonly Dim[] | null, b: readonly Dim[] | null): Dim[] | null {
  if (a === null || b === null) return null
  if (a.length === 0 || b.length === 0) op.fail(`a scalar cannot be multiplied as a matrix (${inputShapes(op)})`)
  const left = a.length === 1 ? [1, ...a] : a
  const right = b.length === 1 ? [...b, 1] : b
  const inner: readonly [Dim, Dim] = [left.at(-1)!, right.at(-2)!]
  if (typeof inner[0] === 'number' && typeof inner[1] === 'number' && inner[0] !== inner[1]) {
    op.fail(`${shapeText(a)} cannot be multiplied with ${shapeText(b)}: ${inner[0]} columns against ${inner[1]} rows`)
  }
  const batch = broadcastShapes(op, [left.slice(0, -2), right.slice(0, -2)])!
  if (a.length > 1) batch.push(left.at(-2)!)
  if (b.length > 1) batch.push(right.at(-1)!)
  return batch
}

/** Source: ONNX Gemm-13: [M, N] from A [M, K] (or transposed) and B [K, N] (or transposed). */
export const inferGemm: Infer = (op) => {
  op.expectRank(0, 2, 2)
  op.expectRank(1, 2, 2)
  const a = op.shape(0)
  const b = op.shape(1)
  const [m, k] = oriented(a, op.int('transA', 0))
  const [inner, n] = oriented(b, op.int('transB', 0))
  if (typeof k === 'number' && typeof inner === 'number' && k !== inner) {
    op.fail(`A has ${k} columns, B has ${inner} rows (${inputShapes(op)})`)
  }
  return [fact(op.type(0), [m, n])]
}

function oriented(shape: readonly Dim[] | null, transposed: number): readonly [Dim, Dim] {
  if (shape === null) return [null, null]
  const [rows, columns] = shape as readonly [Dim, Dim]
  return transposed ? [columns, rows] : [rows, columns]
}

/** Source: ONNX Einsum-12: subscripts without or with an ellipsis; repeated letters share a length. */
export const inferEinsum: Infer = (op) => {
  const equation = op.string('equation', '').replaceAll(' ', '')
  const [left, right] = equation.split('->') as [string, string | undefined]
  const terms = left.split(',')
  if (terms.length !== op.inputCount)
    op.fail(`the equation ${equation} has ${terms.length} terms, the node ${op.inputCount} inputs`)
  if (op.inputs().some(({ shape }) => shape === null)) return [fact(op.type(0), null)]
  const lengths = new Map<string, Dim>()
  const ellipses: Dim[][] = []
  terms.forEach((term, i) => readTerm(op, term, op.shape(i)!, lengths, ellipses))
  const around = broadcastShapes(op, ellipses) ?? []
  const output = right ?? implicitOutput(left, ellipses.length > 0)
  const shape = [...output.replace('...', '.')].flatMap((letter): Dim[] =>
    letter === '.' ? around : [lengths.get(letter) ?? null],
  )
  return [fact(op.type(0), shape)]
}

function readTerm(
  op: OpContext,
  term: string,
  shape: readonly Dim[],
  lengths: Map<string, Dim>,
  ellipses: Dim[][],
): void {
  const [before, after] = term.split('...') as [string, string | undefined]
  const letters = before.length + (after?.length ?? 0)
  if (after === undefined ? letters !== shape.length : letters > shape.length) {
    op.fail(`the term ${term} does not fit a tensor of rank ${shape.length}`)
  }
  if (after !== undefined) ellipses.push(shape.slice(before.length, shape.length - after.length))
  const assign = (letter: string, dim: Dim): void => {
    const seen = lengths.get(letter)
    if (typeof seen === 'number' && typeof dim === 'number' && seen !== dim && seen !== 1 && dim !== 1) {
      op.fail(`the index ${letter} is ${seen} in one input and ${dim} in another`)
    }
    if (seen === undefined || seen === 1 || seen === null || (typeof dim === 'number' && dim !== 1))
      lengths.set(letter, dim)
  }
  ;[...before].forEach((letter, i) => assign(letter, shape[i]!))
  ;[...(after ?? '')].forEach((letter, i) => assign(letter, shape[shape.length - after!.length + i]!))
}

/** Without an arrow the output holds the letters that occur once, in alphabetical order. */
function implicitOutput(left: string, ellipsis: boolean): string {
  const letters = [...left.replaceAll('.', '').replaceAll(',', '')]
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
  return (ellipsis ? '...' : '') + once.sort().join('')
}

/**
 * Source: ONNX Runtime contrib operators, MatMulNBits: A [..., K] times a packed weight of attributes K and N.
 */
export const inferMatMulNBits: Infer = (op) => {
  const a = op.shape(0)
  return [fact(op.type(0), a === null ? null : [...a.slice(0, -1), op.int('N', 0)])]
}
