import type { Forms } from '../forms.ts'

const NEVER = new Set(['Relu', 'Sigmoid', 'Softmax', 'HardSigmoid', 'Softplus', 'Abs', 'Exp', 'Sqrt'])
/** Operators that give values of their inputs, or between them and zero, or sums and products of them. */
const KEEPING = new Set([
  ...[
    'Add',
    'AveragePool',
    'Concat',
    'Dropout',
    'Flatten',
    'GlobalAveragePool',
    'GlobalMaxPool',
    'Identity',
    'MaxPool',
  ],
  ...['Max', 'Min', 'Mul', 'Pad', 'ReduceMax', 'ReduceMean', 'Squeeze', 'Sum', 'Transpose', 'Unsqueeze'],
])
/** Operators followed upwards; deeper, nothing is claimed. */
const MOST = 64

/** True where a tensor is known to hold no negative value, whatever is fed. */
export function isNeverNegative(forms: Forms, tensor: string): boolean {
  let left = MOST
  const walk = (name: string): boolean => {
    if (left-- <= 0) return false
    const constant = forms.constant(name)
    if (constant) return (forms.numbers(name) ?? [-1]).every((value) => value >= 0)
    const node = forms.producer(name)
    if (!node || node.domain !== '') return false
    if (NEVER.has(node.opType)) return true
    if (node.opType === 'Clip') return (forms.numbers(node.inputs[1])?.[0] ?? -1) >= 0
    if (!KEEPING.has(node.opType)) return false
    // amounts, axes and shapes stand behind the first input of all but these
    const isMany = ['Add', 'Concat', 'Max', 'Min', 'Mul', 'Sum'].includes(node.opType)
    return (isMany ? node.inputs : node.inputs.slice(0, 1)).every(walk)
  }
  return walk(tensor)
}
