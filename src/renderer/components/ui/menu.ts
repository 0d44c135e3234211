import type { IconName } from './icons.ts'

/** One line of a menu. */
export type MenuEntry =
  | {
      readonly kind?: 'item'
      readonly id: string
      readonly label: string
      readonly hint?: string
      readonly icon?: IconName
      /** true or false: a mark that can be on; absent: a plain command */
      readonly checked?: boolean
      readonly disabled?: boolean
      readonly danger?: boolean
    }
  | { readonly kind: 'separator'; readonly id: string }
  | { readonly kind: 'heading'; readonly id: string; readonly label: string }
  | { readonly kind: 'menu'; readonly id: string; readonly label: string; readonly entries: readonly MenuEntry[] }
