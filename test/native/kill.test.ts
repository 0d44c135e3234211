import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quantPlan } from '../../src/shared/contract/plan.ts'
import { runCli, SAMPLE } from '../builders/cli.ts'
import { filesBelow, isAlive, storedRows, TappedCli, type StoredRow, type TapState } from '../builders/killing.ts'
import { seeded } from '../builders/model-builder.ts'

// `kill -9` at seeded moments, of workers and of the process that runs them, in the middle of measured evaluations.

const WORKERS = 2
/** Kills of each sort. */
const KILLS = 10
const EVALUATION = 'sensitivitySuffix'
/** Time that orphans have to end: a batch of work, or coming up first, which takes seconds where the machine is busy. */
const ORPHAN_MS = 30_000

const isLinux = process.platform === 'linux'
if (!isLinux) console.warn('skipped: the kill tests find workers through /proc, which only Linux has')

let folder: string
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-kill-test-'))
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

/** A store with a folder for temporary files beside it, both its own. */
interface Place {
  readonly home: string
  readonly temporary: string
}

function place(name: string): Place {
  const [home, temporary] = [path.join(folder, name, 'home'), path.join(folder, name, 'tmp')]
  fs.mkdirSync(temporary, { recursive: true })
  return { home, temporary }
}

function start(args: readonly string[], { home, temporary }: Place): TappedCli {
  const common = ['--workers', String(WORKERS), '--home', home, '--json']
  return new TappedCli([...args, ...common], folder, { TMPDIR: temporary })
}

async function runStatuses({ home }: Place): Promise<string[]> {
  const { stdout } = await runCli(['runs', 'list', '--json', '--home', home])
  return (JSON.parse(stdout) as { runs: { status: string }[] }).runs.map(({ status }) => status)
}

const evaluationsOf = (home: string): Map<string, StoredRow> =>
  new Map([...storedRows(home)].filter(([, { kind }]) => kind === 'sensitivity'))

const begunOf = ({ begun }: TapState): number => begun.get(EVALUATION) ?? 0

const workersAt = ({ inHand }: TapState, task: string): number[] =>
  [...inHand].filter(([, name]) => name === task).map(([pid]) => pid)

/** What was there before is there still, and was not measured anew. */
function expectKept(before: ReadonlyMap<string, StoredRow>, now: ReadonlyMap<string, StoredRow>): void {
  for (const [key, row] of before) expect(now.get(key)).toEqual(row)
}

async function expectNoOrphans(pids: readonly number[]): Promise<void> {
  for (const until = performance.now() + ORPHAN_MS; performance.now() < until && pids.some(isAlive);) await sleep(20)
  expect(pids.filter(isAlive)).toEqual([])
}

/** Everything that stands in the answer for the measurement, not for the way there. */
function measuredPart(answer: Record<string, unknown>): object {
  const { layers, metric, base, samples, whole } = answer
  return { layers, metric, base, samples, whole }
}

const withoutTime = (rows: ReadonlyMap<string, StoredRow>): Map<string, Omit<StoredRow, 'made_at'>> =>
  new Map([...rows].map(([key, { kind, content, result }]) => [key, { kind, content, result }]))

describe.skipIf(!isLinux)('a sweep whose processes are killed', () => {
  const SWEEP = ['sensitivity', SAMPLE, '--data', 'synthetic-digits', '--samples', '2000']
  const ARGS = [...SWEEP, '--calibration-samples', '64', '--configs', '8,4', '--exact']

  /**
   * Waits for a seeded moment while an evaluation is in some worker's hand; gives those workers, none where the command ended before.
   * Evaluations take some ms to some tens of ms, so that a delay of that order falls anywhere into them.
   */
  async function momentIn(cli: TappedCli, random: () => number): Promise<number[]> {
    const from = begunOf(cli.state())
    const count = 1 + Math.floor(random() * 10)
    if (!(await cli.until((state) => begunOf(state) >= from + count))) return []
    await sleep(random() * 30)
    await cli.until((state) => workersAt(state, EVALUATION).length > 0)
    return workersAt(cli.state(), EVALUATION)
  }

  /** Kills a worker. True where it had an evaluation in hand. */
  async function killWorker(cli: TappedCli, random: () => number): Promise<boolean> {
    const candidates = await momentIn(cli, random)
    const pid = candidates[Math.floor(random() * candidates.length)]
    if (pid === undefined) return false
    expect(cli.children()).toContain(pid)
    process.kill(pid, 'SIGKILL')
    await cli.until(() => !isAlive(pid) && !cli.children().includes(pid))
    await cli.until(({ inHand }) => !inHand.has(pid))
    return cli.state().lost.get(pid) === EVALUATION
  }

  /** Kills the process that runs the workers. True where one of them had an evaluation in hand. */
  async function killParent(cli: TappedCli, random: () => number): Promise<boolean> {
    await momentIn(cli, random)
    const children = cli.children()
    await cli.kill()
    await expectNoOrphans(children)
    return workersAt(cli.state(), EVALUATION).length > 0
  }

  it('loses what was in flight and nothing else, and comes to the same', async () => {
    const calm = place('calm')
    const whole = start(ARGS, calm)
    const expected = await whole.json()
    const expectedRows = evaluationsOf(calm.home)
    expect(expectedRows.size).toBe(begunOf(whole.state()))
    expect(filesBelow(calm.temporary)).toEqual([])

    const random = seeded(20)
    let [workerKills, parentKills, begun, lost, runs, round] = [0, 0, 0, 0, 0, 0]
    let stormy = place('stormy-0')
    while (workerKills < KILLS || parentKills < KILLS) {
      const atStart = evaluationsOf(stormy.home)
      const cli = start(ARGS, stormy)
      runs++
      let before = atStart
      let lostHere = 0
      if (workerKills < KILLS && (await killWorker(cli, random))) {
        workerKills++
        lostHere++
        const now = evaluationsOf(stormy.home)
        expectKept(before, now)
        before = now
      }
      const hasLanded = await killParent(cli, random)
      if (hasLanded) parentKills++
      const now = evaluationsOf(stormy.home)
      expectKept(before, now)
      const begunHere = begunOf(cli.state())
      // nothing but what the workers had in hand when they, or their parent, were killed
      const inFlight = begunHere - lostHere - (now.size - atStart.size)
      expect(inFlight).toBeLessThanOrEqual(WORKERS)
      begun += begunHere
      lost += lostHere + inFlight
      // folders of killed processes are cleared by the next start: at most the last one's are there
      expect(fs.readdirSync(stormy.temporary).length).toBeLessThanOrEqual(1)
      expect(filesBelow(stormy.home).filter((name) => name.endsWith('.tmp')).length).toBeLessThanOrEqual(1)
      if (now.size < expectedRows.size - 60 && workerKills + parentKills < 2 * KILLS) continue
      // little is left to interrupt: to the end, and once more from the beginning
      const final = start(ARGS, stormy)
      const answer = await final.json()
      const rows = evaluationsOf(stormy.home)
      begun += begunOf(final.state())
      expectKept(now, rows)
      expect(answer['evaluations']).toBe(expectedRows.size - now.size)
      expect(measuredPart(answer)).toEqual(measuredPart(expected))
      expect(withoutTime(rows)).toEqual(withoutTime(expectedRows))
      expect(begun).toBe(expectedRows.size + lost)
      expect(filesBelow(stormy.temporary)).toEqual([])
      expect(filesBelow(stormy.home).filter((name) => name.endsWith('.tmp'))).toEqual([])
      expect(await runStatuses(stormy)).toEqual(['done', ...new Array<string>(runs).fill('interrupted')])
      stormy = place(`stormy-${++round}`)
      ;[begun, lost, runs] = [0, 0, 0]
    }
    expect({ workerKills, parentKills }).toEqual({ workerKills: KILLS, parentKills: KILLS })
  }, 400_000)
})

describe.skipIf(!isLinux)('a search whose process is killed', () => {
  const ARGS = ['search', SAMPLE, '--data', 'synthetic-digits', '--samples', '600', '--calibration-samples', '64']
  // an allocation of bytes: nothing in it goes by times, which differ from run to run
  const TARGET = ['--max-size', '40%', '--trials', '4', '--threads', '1']
  const TASKS = ['sensitivitySuffix', 'evaluate']

  const begunAll = ({ begun }: TapState): number => TASKS.reduce((sum, task) => sum + (begun.get(task) ?? 0), 0)

  /** Plans that the store holds a joint measurement of. */
  const measuredPlans = (home: string): unknown[] =>
    [...storedRows(home).values()]
      .filter(({ kind }) => kind === 'plan')
      .map(({ content }) => (JSON.parse(content) as { plan: unknown }).plan)

  it('leaves no plan or one that was measured, and ends with the same', async () => {
    const calm = place('search-calm')
    const calmPlan = path.join(folder, 'search-calm', 'plan.json')
    const whole = start([...ARGS, ...TARGET, '-o', calmPlan], calm)
    const expected = await whole.json()
    const steps = begunAll(whole.state())

    const random = seeded(3)
    const stormy = place('search-stormy')
    const plans = path.join(folder, 'search-stormy', 'out')
    fs.mkdirSync(plans)
    const plan = path.join(plans, 'plan.json')
    let before = storedRows(stormy.home)
    let done = 0
    for (let kill = 0; kill < 3; kill++) {
      const cli = start([...ARGS, ...TARGET, '-o', plan, '--force'], stormy)
      // the first while the layers are ranked, the last while plans are measured
      const share = Math.floor(((steps - done) * (1 + random())) / (4 - kill))
      expect(await cli.until((state) => begunAll(state) >= share)).toBe(true)
      await sleep(random() * 50)
      const children = cli.children()
      await cli.kill()
      done += begunAll(cli.state())
      await expectNoOrphans(children)
      const now = storedRows(stormy.home)
      expectKept(before, now)
      before = now
      if (fs.existsSync(plan)) {
        const written: unknown = JSON.parse(fs.readFileSync(plan, 'utf8'))
        expect(quantPlan.parse(written)).toEqual(written)
        expect(measuredPlans(stormy.home)).toContainEqual(written)
      }
    }
    expect(fs.existsSync(plan)).toBe(true)
    const answer = await start([...ARGS, ...TARGET, '-o', plan, '--force'], stormy).json()
    expectKept(before, storedRows(stormy.home))
    expect(answer['plan']).toEqual(expected['plan'])
    expect(fs.readFileSync(plan, 'utf8')).toBe(fs.readFileSync(calmPlan, 'utf8'))
    expect(fs.readdirSync(plans)).toEqual(['plan.json'])
    expect(filesBelow(stormy.temporary)).toEqual([])
    expect(await runStatuses(stormy)).toEqual(['done', 'interrupted', 'interrupted', 'interrupted'])
  }, 400_000)
})
