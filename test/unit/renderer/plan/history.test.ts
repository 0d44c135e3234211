import { describe, expect, it } from 'vitest'
import { record, redo, settle, startHistory, undo } from '../../../../src/renderer/plan/history.ts'

const values = (steps: readonly { readonly value: number }[]): number[] => steps.map(({ value }) => value)

describe('history', () => {
  it('goes back and forth through its steps', () => {
    const made = record(record(startHistory(1), 2, 'two'), 3, 'three')
    const back = undo(undo(made))
    expect(back.present.value).toBe(1)
    expect(redo(back).present).toEqual({ value: 2, label: 'two' })
    expect(redo(redo(back)).present.value).toBe(3)
  })

  it('stays where it is at either end', () => {
    const start = startHistory(1)
    expect(undo(start).present.value).toBe(1)
    expect(redo(start).present.value).toBe(1)
  })

  it('makes one step of a drag', () => {
    const dragged = [2, 3, 4].reduce((history, value) => record(history, value, 'range', 'range:x'), startHistory(1))
    expect(values(dragged.past)).toEqual([1])
    expect(dragged.present.value).toBe(4)
  })

  it('begins a new step after the drag has ended', () => {
    const first = settle(record(startHistory(1), 2, 'range', 'range:x'))
    const second = record(first, 3, 'range', 'range:x')
    expect(values(second.past)).toEqual([1, 2])
  })

  it('does not merge a drag into a step that was just taken back', () => {
    const back = undo(record(record(startHistory(1), 2, 'a', 'x'), 3, 'b', 'y'))
    expect(values(record(back, 4, 'a', 'x').past)).toEqual([1, 2])
  })

  it('forgets what was undone once something new is done', () => {
    const other = record(undo(record(startHistory(1), 2, 'two')), 5, 'five')
    expect(other.future).toEqual([])
    expect(redo(other).present.value).toBe(5)
  })

  it('forgets the oldest of very many steps', () => {
    let history = startHistory(0)
    for (let i = 1; i <= 1000; i++) history = record(history, i, 'step')
    expect(history.past.length).toBe(500)
    expect(history.past[0]!.value).toBe(500)
  })
})
