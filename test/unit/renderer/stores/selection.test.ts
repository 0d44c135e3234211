import { beforeEach, describe, expect, it } from 'vitest'
import { createPinia, setActivePinia } from 'pinia'
import { useSelectionStore } from '../../../../src/renderer/stores/selection.ts'

beforeEach(() => setActivePinia(createPinia()))

const ORDER = ['a', 'b', 'c', 'd', 'e']
const PLAIN = { shiftKey: false, ctrlKey: false, metaKey: false }

describe('the one selection', () => {
  it('is what was clicked', () => {
    const selection = useSelectionStore()
    selection.click('b', PLAIN, ORDER)
    expect(selection.ids).toEqual(['b'])
    expect(selection.single).toBe('b')
    selection.click('d', { ...PLAIN, ctrlKey: true }, ORDER)
    expect(selection.ids).toEqual(['b', 'd'])
    expect(selection.single).toBeNull()
    selection.click('b', { ...PLAIN, metaKey: true }, ORDER)
    expect(selection.ids).toEqual(['d'])
  })

  it('goes with Shift from the anchor, which stays, to what was clicked, either way', () => {
    const selection = useSelectionStore()
    selection.click('c', PLAIN, ORDER)
    selection.click('e', { ...PLAIN, shiftKey: true }, ORDER)
    expect(selection.ids).toEqual(['c', 'd', 'e'])
    selection.click('a', { ...PLAIN, shiftKey: true }, ORDER)
    expect(selection.ids).toEqual(['a', 'b', 'c'])
    expect(selection.anchor).toBe('c')
  })

  it('begins anew where the anchor is not in the list', () => {
    const selection = useSelectionStore()
    selection.select(['elsewhere'])
    selection.range('b', ORDER)
    expect(selection.ids).toEqual(['b'])
  })

  it('names each layer once', () => {
    const selection = useSelectionStore()
    selection.select(['a', 'b', 'a'])
    selection.extend(['b', 'c'])
    expect(selection.ids).toEqual(['a', 'b', 'c'])
    expect(selection.anchor).toBe('c')
  })

  it('loses layers that the model does not have, and the light on them', () => {
    const selection = useSelectionStore()
    selection.select(['a', 'b'])
    selection.hover('b')
    selection.keep(new Set(['a']))
    expect([selection.ids, selection.anchor, selection.hovered]).toEqual([['a'], 'a', null])
  })
})
