import { rewriteDynamic } from './dynamic.ts'
import type { ModeRewriter } from './setup.ts'
import { rewriteWeightOnly } from './weight-only.ts'

/** The modes beside static, in the order they are applied, one row each. */
export const modeRewriters: readonly (readonly [mode: 'dynamic' | 'weightOnly', rewrite: ModeRewriter])[] = [
  ['dynamic', rewriteDynamic],
  ['weightOnly', rewriteWeightOnly],
]
