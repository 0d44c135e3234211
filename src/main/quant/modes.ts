import type { ModeRewriter } from './setup.ts'

/** The modes beside static, in the order they are applied, one row each. */
export const modeRewriters: readonly (readonly [mode: 'dynamic' | 'weightOnly', rewrite: ModeRewriter])[] = []
