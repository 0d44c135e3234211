import { expect, it } from 'vitest'
import type { Attribute } from '../../../../src/main/graph/model.ts'
import { float, floats, int, ints, string, tensor } from '../../../../src/main/graph/attributes.ts'
import { floatTensor, int64Tensor } from '../../../../src/main/graph/tensors.ts'
import { attributeText } from '../../../../src/main/graph/view/attribute-text.ts'

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

it.each<{ why: string; name?: string; attribute: Attribute; text: string }>([
  { why: 'a float32 shows the digits it has', attribute: float(Math.fround(0.1)), text: '0.1' },
  { why: 'an integer', attribute: int(3), text: '3' },
  { why: 'an element type by its name', name: 'to', attribute: int(10), text: 'float16' },
  { why: 'an element type that does not exist by its number', name: 'to', attribute: int(99), text: '99' },
  { why: 'text as it is', attribute: string('SAME_UPPER'), text: 'SAME_UPPER' },
  { why: 'long text is cut', attribute: string('é'.repeat(1000)), text: `${'é'.repeat(200)}…` },
  { why: 'a list', attribute: ints([1, 1, 2, 2]), text: '1, 1, 2, 2' },
  { why: 'a long list is cut and counted', attribute: ints(range(40)), text: `${range(32).join(', ')}, … 40 in all` },
  { why: 'a list of floats', attribute: floats([0.5, Math.fround(1.7)]), text: '0.5, 1.7' },
  {
    why: 'a small tensor with its numbers',
    attribute: tensor(int64Tensor('t', [2], [7, -1])),
    text: 'int64 [2] 7, -1',
  },
  {
    why: 'a large tensor without them',
    attribute: tensor(floatTensor('t', [3, 3], new Float32Array(9))),
    text: 'float [3, 3]',
  },
  { why: 'what nobody reads', attribute: { kind: 'other', value: null }, text: 'of a kind that is carried, not shown' },
])('$why', ({ name = 'attribute', attribute, text }) => {
  expect(attributeText(name, attribute)).toBe(text)
})
