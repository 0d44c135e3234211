import { computed, onScopeDispose, shallowReactive } from 'vue'
import type { IconName } from './components/ui/icons.ts'

/** The one primary button of a screen, at the end of the top bar. */
export interface PrimaryAction {
  readonly label: string
  readonly icon?: IconName
  /** shown in its tooltip; the key itself is a command's */
  readonly shortcut?: string
  /** a sentence: what it does, or why it cannot be done now */
  readonly hint?: string
  readonly disabled?: boolean
  readonly busy?: boolean
  readonly run: () => unknown
}

const sources = shallowReactive(new Set<() => PrimaryAction | null>())

/** Gives the screen its primary button for as long as the component lives. */
export function usePrimary(source: () => PrimaryAction | null): void {
  sources.add(source)
  onScopeDispose(() => sources.delete(source))
}

/** The button to show now: the one given last. What stands on every screen gives none where the screen has its own. */
export const primaryAction = computed<PrimaryAction | null>(() => {
  for (const source of [...sources].toReversed()) {
    const action = source()
    if (action !== null) return action
  }
  return null
})
