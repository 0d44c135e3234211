import { onScopeDispose, shallowReactive } from 'vue'
import type { IconName } from './components/ui/icons.ts'

/** Something that can be done now, by the palette, by keys or by a menu of the desktop. */
export interface Command {
  /** stable, `subject.verb`; a later one of the same id takes the place of an earlier one */
  readonly id: string
  readonly title: string
  /** where the list of keys puts it */
  readonly group: string
  /** further words that find it */
  readonly words?: string
  readonly icon?: IconName
  /** as `keyOf` writes them: `Mod+K`, `Shift+ArrowUp`, `M`, `Space`; `Mod` is ⌘ on a Mac and Ctrl elsewhere */
  readonly keys?: readonly string[]
  /** not in the palette: only its keys matter, or it says what a canvas does by itself */
  readonly hidden?: boolean
  /** false: shown, but not possible now */
  readonly enabled?: boolean
  readonly run: () => unknown
}

const sources = shallowReactive(new Set<() => readonly Command[]>())

/** Adds commands until the function that comes back is called. `source` is asked anew each time, so that it may depend on reactive state. */
export function registerCommands(source: () => readonly Command[]): () => void {
  sources.add(source)
  return () => sources.delete(source)
}

/** Adds commands for as long as the component lives. */
export function useCommands(source: () => readonly Command[]): void {
  onScopeDispose(registerCommands(source))
}

/** All commands there are now, in the order of their registration. */
export function allCommands(): readonly Command[] {
  const byId = new Map<string, Command>()
  for (const source of sources) for (const command of source()) byId.set(command.id, command)
  return [...byId.values()]
}

/** Runs a command by its id. Gives whether there was one that could be run. */
export function runCommand(id: string): boolean {
  const command = allCommands().find((other) => other.id === id)
  if (!command || command.enabled === false) return false
  command.run()
  return true
}
