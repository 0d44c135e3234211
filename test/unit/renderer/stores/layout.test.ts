import { createPinia, setActivePinia } from 'pinia'
import { nextTick } from 'vue'
import { expect, it } from 'vitest'
import { useLayoutStore } from '../../../../src/renderer/stores/layout.ts'
import { testWindow } from '../host.ts'

const KEY = 'quantbench.layout'

it('keeps where the parts are from one start to the next', async () => {
  testWindow()
  useLayoutStore().state.inspectorSize = 444
  await nextTick()
  setActivePinia(createPinia())
  expect(useLayoutStore().state.inspectorSize).toBe(444)
})

it.each([
  { why: 'no JSON', kept: '{' },
  { why: 'sizes out of all bounds', kept: '{"inspectorSize":-5}' },
  { why: 'another kind of thing', kept: '[1,2]' },
])('starts from the defaults where what was kept is $why', ({ kept }) => {
  testWindow()
  localStorage.setItem(KEY, kept)
  expect(useLayoutStore().state).toMatchObject({ inspectorSize: 320, dockHidden: true })
})

it('opens the dock at a tab, changes tabs, and closes it by the same tab', () => {
  testWindow()
  const layout = useLayoutStore()
  layout.toggleDock('jobs')
  expect(layout.state).toMatchObject({ dockHidden: false, dockTab: 'jobs' })
  layout.toggleDock('pareto')
  expect(layout.state).toMatchObject({ dockHidden: false, dockTab: 'pareto' })
  layout.toggleDock('pareto')
  expect(layout.state.dockHidden).toBe(true)
})
