import { expect, it } from 'vitest'
import { orderEndingIn } from '../../../../../src/main/formats/tfjs/write/forms.ts'

it.each([
  { why: 'what is held ends in it already', axis: 1, held: [0, 2, 3, 1], order: [0, 2, 3, 1] },
  { why: 'the channels of a picture go last', axis: 1, held: [0, 1, 2, 3], order: [0, 2, 3, 1] },
  { why: 'another axis moves to the end of the plain order', axis: 2, held: [0, 2, 3, 1], order: [0, 1, 3, 2] },
  { why: 'the first axis of a matrix too', axis: 0, held: [0, 1], order: [1, 0] },
])('$why: $held for axis $axis is $order', ({ axis, held, order }) => {
  expect(orderEndingIn(axis, held)).toEqual(order)
})
