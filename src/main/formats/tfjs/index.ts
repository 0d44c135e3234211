export { openTfjs } from './open.ts'
export type { OpenedTfjs } from './open.ts'
