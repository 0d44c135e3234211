import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { EngineJudge, limitMs, PureJudge } from '../test/fuzz/judge.ts'
import type { Judge, Verdict } from '../test/fuzz/judge.ts'
import { allBases, mutant } from '../test/fuzz/mutants.ts'

/*
 * npm run fuzz -- [--mutants 6000] [--engine 600] [--seed 1] [--index N]
 *
 * Opens mutants of the models in ../shared/models and of the graphs that the tests build, and asks of each: an answer (a model or a
 * fault) within 5 s, no other error, bounded memory. First all of them without the engine, then some of those that came through,
 * as `inspect` does it, with the engine in a worker. Mutants that fail are kept in fuzz-output/. Exit code 1 when there are any.
 */

/** Most memory that opening files of at most 5 MB may take: the heap limit of the processes, and the engine. */
const limitMiB = 1500

const { values } = parseArgs({
  options: {
    mutants: { type: 'string', default: '6000' },
    engine: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
    /** one mutant only, through both stages */
    index: { type: 'string' },
  },
})

const bases = allBases()
const seed = Number(values.seed)
const outputFolder = path.resolve('fuzz-output')

interface Tally {
  readonly counts: Map<string, number>
  readonly failures: string[]
  readonly sound: number[]
  slowestMs: number
  slowest: string
  peakMiB: number
}

/** Runs the mutants through judges that work side by side. */
async function run(title: string, indices: readonly number[], makeJudge: () => Judge, workers: number): Promise<Tally> {
  const tally: Tally = { counts: new Map(), failures: [], sound: [], slowestMs: 0, slowest: '', peakMiB: 0 }
  const queue = [...indices].reverse()
  const started = performance.now()
  const work = async (): Promise<void> => {
    const judge = makeJudge()
    for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
      const { name, bytes } = mutant(bases, index, seed)
      record(tally, index, name, bytes, await judge.judge({ index, seed, bytes }))
    }
    await judge.close()
  }
  await Promise.all(Array.from({ length: workers }, work))
  report(title, tally, indices.length, (performance.now() - started) / 1000)
  return tally
}

function record(tally: Tally, index: number, name: string, bytes: Uint8Array, { outcome, ms, peakMiB }: Verdict): void {
  const key = outcome.kind === 'fault' ? outcome.code : outcome.kind
  tally.counts.set(key, (tally.counts.get(key) ?? 0) + 1)
  if (ms > tally.slowestMs) Object.assign(tally, { slowestMs: ms, slowest: `mutant ${index}` })
  tally.peakMiB = Math.max(tally.peakMiB, peakMiB)
  if (outcome.kind === 'model') tally.sound.push(index)
  const trouble =
    outcome.kind === 'bug'
      ? outcome.stack
      : ms > limitMs
        ? `took ${Math.round(ms)} ms`
        : peakMiB > limitMiB
          ? `the process reached ${Math.round(peakMiB)} MiB`
          : null
  if (trouble === null) return
  fs.mkdirSync(outputFolder, { recursive: true })
  const file = path.join(outputFolder, `seed-${seed}-${index}.onnx`)
  fs.writeFileSync(file, bytes)
  tally.failures.push(`${name}: ${trouble.split('\n').slice(0, 6).join('\n')}\n  kept in ${file}`)
}

function report(title: string, tally: Tally, count: number, seconds: number): void {
  console.log(
    `\n${title}: ${count} mutants in ${seconds.toFixed(0)} s, slowest ${tally.slowestMs.toFixed(0)} ms (${tally.slowest}), most memory ${tally.peakMiB.toFixed(0)} MiB`,
  )
  for (const [code, times] of [...tally.counts].sort((a, b) => b[1] - a[1]))
    console.log(`  ${String(times).padStart(6)}  ${code}`)
  for (const failure of tally.failures) console.log(`FAILED ${failure}`)
}

const workers = Math.max(1, Math.min(4, Math.floor(os.availableParallelism() / 2)))
const indices =
  values.index === undefined ? Array.from({ length: Number(values.mutants) }, (_, i) => i) : [Number(values.index)]
console.log(`${bases.length} models and graphs, seed ${seed}, ${workers} processes`)
const pure = await run('Without the engine', indices, () => new PureJudge(), workers)
// spread over the whole series, so that every base has its share
const step = Math.max(1, pure.sound.length / Number(values.engine))
const chosen = Array.from(
  { length: Math.min(pure.sound.length, Number(values.engine)) },
  (_, i) => pure.sound[Math.floor(i * step)]!,
)
const engine = await run('With the engine', chosen, () => new EngineJudge(), workers)
const failures = pure.failures.length + engine.failures.length
console.log(failures === 0 ? '\nNo failure.' : `\n${failures} failures.`)
process.exitCode = failures === 0 ? 0 : 1
