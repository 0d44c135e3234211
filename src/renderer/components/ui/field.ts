import { inject, type ComputedRef, type InjectionKey } from 'vue'

/** What a field tells the control inside it, so that label, hint and error belong to it for screen readers. */
export interface FieldLink {
  readonly id: string
  readonly describedBy: ComputedRef<string | undefined>
  readonly invalid: ComputedRef<boolean>
}

export const FIELD: InjectionKey<FieldLink> = Symbol('field')

/** The field around a control, or null where it stands alone and has a label of its own. */
export function useField(): FieldLink | null {
  return inject(FIELD, null)
}
