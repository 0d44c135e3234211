import { describe, expect, it } from 'vitest'
import { walk, type Step } from '../../../../src/renderer/graph/walk.ts'
import { residualView, sceneOf, viewOf } from './views.ts'

const scene = sceneOf(
  viewOf([
    { id: 'split', op: 'Relu', reads: ['x'] },
    { id: 'a', op: 'Conv', reads: ['split', 'w'] },
    { id: 'b', op: 'Conv', reads: ['split', 'w'] },
    { id: 'c', op: 'Conv', reads: ['split', 'w'] },
    { id: 'join', op: 'Concat', reads: ['a', 'b', 'c'] },
  ]),
)

function from(id: string, ...steps: Step[]): string {
  const last = steps.reduce((item, step) => walk(scene, item, step), scene.itemOf.get(id)!)
  return scene.items[last]!.id
}

describe('walk', () => {
  it('follows edges down and up, to what is most in line', () => {
    const middle = from('split', 'down')
    expect(from(middle, 'down')).toBe('join')
    expect(from('join', 'up')).toBe(middle)
    expect(from(middle, 'up')).toBe('split')
  })

  it('goes along the row to either side', () => {
    const middle = from('split', 'down')
    const left = from(middle, 'left')
    const right = from(middle, 'right')
    expect(new Set([left, middle, right])).toEqual(new Set(['a', 'b', 'c']))
    expect(from(left, 'right', 'right')).toBe(right)
  })

  it('stays where there is nothing further', () => {
    expect(from('input:x', 'up')).toBe('input:x')
    expect(from('split', 'left', 'right')).toBe('split')
    expect(from('output:join_out', 'down')).toBe('output:join_out')
  })

  it('goes to the first and the last item', () => {
    expect(from('b', 'first')).toBe('input:x')
    expect(from('b', 'last')).toBe('output:join_out')
  })

  it('takes the nearest row first: into the block rather than past it', () => {
    const residual = sceneOf(residualView(2))
    const stem = residual.itemOf.get('stem')!
    expect(residual.items[walk(residual, stem, 'down')]!.id).toBe('layer0/0/conv1')
    const add = residual.itemOf.get('layer0/0/add')!
    expect(residual.items[walk(residual, add, 'up')]!.id).toBe('layer0/0/conv2')
  })
})
