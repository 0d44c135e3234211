/** Time of one node's kernel in one run. */
export interface KernelEvent {
  /** the node's name in the optimised graph */
  readonly node: string
  /** operator without its domain */
  readonly op: string
  /** position of the run within the profile, from 0 */
  readonly run: number
  readonly ms: number
}

/** What a profile holds: runs in order, and the kernels of each. */
export interface Profile {
  readonly runs: number
  readonly events: readonly KernelEvent[]
}

interface TraceEvent {
  readonly cat: string
  readonly name: string
  /** µs since the session was opened */
  readonly ts: number
  /** µs */
  readonly dur: number
  readonly args?: { readonly op_name?: unknown }
}

const kernelSuffix = '_kernel_time'

/**
 * Reads a profile of ONNX Runtime: an array of Chrome trace events, in which `model_run` (cat Session) spans a run and
 * `<node>_kernel_time` (cat Node, `args.op_name`, `dur` in µs) a kernel. Times of fences and of the session are left out.
 * Kernels before the first run belong to none and are dropped.
 * @param json the parsed file
 * @throws Error when it is not an array of trace events: only the runtime writes this file
 * Source: onnxruntime profiler.cc, sequential_executor.cc; test/native/execution.test.ts.
 */
export function parseProfile(json: unknown): Profile {
  if (!Array.isArray(json)) throw new Error('the profile is not an array of events')
  const events = json.filter(isTraceEvent)
  const starts = events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .map(({ ts }) => ts)
    .sort((a, b) => a - b)
  const kernels: KernelEvent[] = []
  for (const { cat, name, ts, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith(kernelSuffix)) continue
    const run = lastAtOrBefore(starts, ts)
    if (run < 0) continue
    kernels.push({
      node: name.slice(0, -kernelSuffix.length),
      op: typeof args?.op_name === 'string' ? args.op_name : '',
      run,
      ms: dur / 1000,
    })
  }
  return { runs: starts.length, events: kernels }
}

function isTraceEvent(value: unknown): value is TraceEvent {
  if (typeof value !== 'object' || value === null) return false
  const { cat, name, ts, dur } = value as Record<string, unknown>
  return typeof cat === 'string' && typeof name === 'string' && typeof ts === 'number' && typeof dur === 'number'
}

/** Index of the last sorted value ≤ `value`, -1 for none. */
function lastAtOrBefore(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

/**
 * Milliseconds of each group of kernels: the sum within a run, the median over the runs.
 * @param groupOf gives the group of a kernel by its node's name
 * @param warmup runs left out at the beginning; at least one run is kept
 */
export function groupTimes(
  profile: Profile,
  groupOf: (event: KernelEvent) => string,
  warmup: number,
): Map<string, number> {
  const first = Math.min(warmup, Math.max(0, profile.runs - 1))
  const sums = new Map<string, Float64Array>()
  for (const event of profile.events) {
    if (event.run < first) continue
    const group = groupOf(event)
    let runs = sums.get(group)
    if (!runs) sums.set(group, (runs = new Float64Array(profile.runs - first)))
    runs[event.run - first]! += event.ms
  }
  return new Map([...sums].map(([group, runs]) => [group, median(runs)]))
}

/** The middle value, the mean of the two middle ones for an even count; NaN for none. */
export function median(values: Float64Array | readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]!
  return (sorted[middle - 1]! + sorted[middle]!) / 2
}
