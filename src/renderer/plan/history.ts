/** One state a value was in, with what led to it. */
interface Entry<Value> {
  readonly value: Value
  /** what the step did, as a menu shows it: `3 layers to 8 bits`; '' for the beginning */
  readonly label: string
}

/** A value with its way here and back. */
export interface History<Value> {
  readonly past: readonly Entry<Value>[]
  readonly present: Entry<Value>
  readonly future: readonly Entry<Value>[]
  /** a following step with the same key replaces the present instead of adding to the past: one drag is one step */
  readonly mergeKey: string | null
}

/** Steps that can be taken back at most; older ones are forgotten. */
const MOST_STEPS = 500

/** A history that begins with a value. */
export function startHistory<Value>(value: Value): History<Value> {
  return { past: [], present: { value, label: '' }, future: [], mergeKey: null }
}

/**
 * The history after a step.
 * @param mergeKey equal keys of steps that follow each other make one step; null for a step of its own
 */
export function record<Value>(
  history: History<Value>,
  value: Value,
  label: string,
  mergeKey: string | null = null,
): History<Value> {
  const { past, present } = history
  const entry = { value, label }
  if (mergeKey !== null && mergeKey === history.mergeKey) return { past, present: entry, future: [], mergeKey }
  return { past: [...past, present].slice(-MOST_STEPS), present: entry, future: [], mergeKey }
}

/** The history whose next step stands for itself, whatever its key: a drag has ended. */
export function settle<Value>(history: History<Value>): History<Value> {
  return history.mergeKey === null ? history : { ...history, mergeKey: null }
}

/** One step back; the same history where there is none. */
export function undo<Value>({ past, present, future, mergeKey }: History<Value>): History<Value> {
  const last = past.at(-1)
  if (!last) return { past, present, future, mergeKey }
  return { past: past.slice(0, -1), present: last, future: [present, ...future], mergeKey: null }
}

/** One step forth again. */
export function redo<Value>({ past, present, future, mergeKey }: History<Value>): History<Value> {
  const [next, ...rest] = future
  if (!next) return { past, present, future, mergeKey }
  return { past: [...past, present], present: next, future: rest, mergeKey: null }
}
