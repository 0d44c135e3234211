import { z } from 'zod'
import { quantPlan, type QuantPlan } from '../../shared/contract/plan.ts'

/** A plan as it stands for a model, kept in the window from one load to the next. */
const draft = z.object({
  plan: quantPlan,
  /** name it is kept under, null for none */
  name: z.string().nullable(),
  /** content of what is kept under that name */
  saved: z.string().nullable(),
})
export interface Draft {
  readonly plan: QuantPlan
  readonly name: string | null
  readonly saved: string | null
}

/** Where drafts are kept: `localStorage`, or a plain map in tests. */
export type DraftShelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const keyOf = (hash: string): string => `quantbench.plan.${hash}`

/** The draft of a model; null without one, or where it is of another version. */
export function readDraft(shelf: DraftShelf, hash: string): Draft | null {
  try {
    const text = shelf.getItem(keyOf(hash))
    return text === null ? null : draft.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Keeps a draft. A full shelf is no reason to stop editing: the plan is then kept for this window only. */
export function writeDraft(shelf: DraftShelf, hash: string, value: Draft): void {
  try {
    shelf.setItem(keyOf(hash), JSON.stringify(value))
  } catch {
    shelf.removeItem(keyOf(hash))
  }
}
