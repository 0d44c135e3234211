import { expect, it } from 'vitest'
import { effectScope, shallowRef } from 'vue'
import { primaryAction, usePrimary } from '../../../src/renderer/primary.ts'

const action = (label: string) => ({ label, run: () => undefined })

it('is the one given last, whoever came first, for as long as who gave it lives', () => {
  const isGraph = shallowRef(false)
  const screen = effectScope()
  const always = effectScope()
  // after a reload the screen is there before what stands on every screen
  screen.run(() => usePrimary(() => action('Search')))
  always.run(() => usePrimary(() => (isGraph.value ? action('Measure') : null)))
  expect(primaryAction.value?.label).toBe('Search')
  isGraph.value = true
  expect(primaryAction.value?.label).toBe('Measure')
  always.stop()
  expect(primaryAction.value?.label).toBe('Search')
  screen.stop()
  expect(primaryAction.value).toBeNull()
})
