import { resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { Fault } from '../../../../shared/contract/fault.ts'
import { repairNames, type RepairName } from '../../../../shared/contract/plan.ts'
import type { Interval } from '../../../quant/intervals.ts'
import { runSearch, missText, summaryJson, type SearchAnswer, type SearchRunRequest } from '../../../jobs/search-run.ts'
import type { Candidate } from '../../../jobs/search/session.ts'
import type { Services } from '../../../jobs/services.ts'
import { STRATEGIES } from '../../../search/strategies/registry.ts'
import type { Host } from '../host.ts'
import { count, flagOf, seed as wholeNumber } from '../parse.ts'
import { parseRepairs } from '../plan-options.ts'
import { addSampleOptions, readSampleOptions, type SampleFlags } from '../sample-options.ts'
import { formatBytes, formatPercent, formatTable, type Column } from '../table.ts'

interface SearchFlags extends Omit<SampleFlags, 'data'> {
  data?: string
  output?: string
  force?: boolean
  strategy?: string
  configs?: string
  maxDrop?: number
  maxSize?: NonNullable<SearchRunRequest['maxSize']>
  minSpeedup?: number
  maxFloatLayers?: number
  pareto?: boolean
  trials?: number
  repair?: RepairName[]
  threads?: number
  resume?: string
}

/** `search MODEL --data DATA -o PLAN`. */
export function addSearchCommand(program: Command, host: Host): void {
  const strategies = STRATEGIES.map(({ name, about }) => `${name} (${about})`).join('; ')
  const command = program
    .command('search <model>')
    .description('find a hybrid plan: which layers in float, which in how many bits')
    .option('-o, --output <file>', 'the plan to write; it holds the best plan so far at any moment')
    .option('--force', 'replace an existing output')
    .option('--configs <list>', 'configurations to choose from beside float, the base first, for example 8,int4')
    .option('--max-drop <rate>', 'most accuracy to lose, 0–1; without labels 1 − agreement with float', rate)
    .option('--max-size <bytes|n%>', 'most bytes of the file, or per cent of the source file', size)
    .option('--min-speedup <ratio>', 'least speed against float', positive)
    .option('--max-float-layers <n>', 'most layers to leave in float', wholeNumber)
    .option('--pareto', 'search the front of accuracy, latency and size')
    .addOption(new Option('--strategy <name>', strategies).choices(STRATEGIES.map(({ name }) => name)))
    .option(
      '--repair <list>',
      `repairs every plan is made with: all, none, or of ${repairNames.join(', ')}`,
      parseRepairs,
    )
    .option('--trials <n>', 'most plans to measure (24)', count)
    .option('--threads <n>', 'threads that plans are timed with (all cores)', count)
    .option('--resume <run>', 'go on with an interrupted search: its options, and what it has measured')
  addSampleOptions(command, true, false).action(
    host.action(async (services, flags: SearchFlags, model: string) => {
      const request =
        flags.resume === undefined ? requestOf(flags, model) : resumed(flags.resume, flags, model, services)
      const { run, value } = await runSearch(request, services)
      host.print(searchJson(run, value), () => searchText(run, value))
      if (value.misses.length > 0)
        throw new Fault(
          'target.notReached',
          `No plan was found that meets the target: ${value.misses.map(missText).join('; ')}. The best one was written to ${value.output}.`,
        )
    }),
  )
}

function requestOf(flags: SearchFlags, model: string): SearchRunRequest {
  const { data, output } = flags
  if (data === undefined) throw new Fault('usage.noData', 'search needs samples: give --data.')
  if (output === undefined) throw new Fault('usage.noOutput', 'search writes a plan: give -o FILE.')
  if (flags.pareto && flags.strategy !== undefined && flags.strategy !== 'pareto')
    throw new Fault('usage.strategy', `--pareto is a strategy of its own: leave out --strategy ${flags.strategy}.`)
  return {
    model,
    samples: readSampleOptions({ ...flags, data }),
    output: resolve(output), // a search resumed from another folder writes the same file
    force: flags.force ?? false,
    strategy: flags.pareto ? 'pareto' : (flags.strategy ?? null),
    configs: flags.configs ?? null,
    maxDrop: flags.maxDrop ?? null,
    maxSize: flags.maxSize ?? null,
    minSpeedup: flags.minSpeedup ?? null,
    maxFloatLayers: flags.maxFloatLayers ?? null,
    maxTrials: flags.trials ?? null,
    repairs: flags.repair ?? [],
    threads: flags.threads ?? null,
    resumes: null,
  }
}

/** Options that say what is searched for. */
const FIXED_BY_RUN = [
  'configs',
  'maxDrop',
  'maxSize',
  'minSpeedup',
  'maxFloatLayers',
  'pareto',
  'strategy',
  'repair',
  'trials',
] as const

/** The request of a former run; what is found in the store is not measured again. */
function resumed(id: string, flags: SearchFlags, model: string, { store }: Services): SearchRunRequest {
  const clash = FIXED_BY_RUN.find((name) => flags[name] !== undefined)
  if (clash !== undefined)
    throw new Fault(
      'usage.resume',
      `--resume takes all targets from the run; ${flagOf(clash)} cannot be given with it. A new search finds what was measured just as well.`,
    )
  const { kind, parameters, id: run } = store.runs.get(id)
  if (kind !== 'search')
    throw new Fault('usage.resume', `Run ${run} is no search but ${kind}: it cannot be resumed by search.`)
  const former = parameters as unknown as Omit<SearchRunRequest, 'model'>
  // an output of the same name is there already, written by the very run that goes on
  return {
    ...former,
    repairs: former.repairs ?? [],
    model,
    output: flags.output ?? former.output,
    force: flags.output === undefined || (flags.force ?? false),
    resumes: run,
  }
}

/** A rate from 0 to 1. */
function rate(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('expected a number from 0 to 1.')
  return value
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number above 0.')
  return value
}

function size(text: string): NonNullable<SearchRunRequest['maxSize']> {
  const share = text.endsWith('%')
  const value = positive(share ? text.slice(0, -1) : text)
  return share ? { share: value / 100 } : { bytes: Math.floor(value) }
}

/** The fields scripts rely on (DESIGN section 8), then what else is known. */
function searchJson(run: string, answer: SearchAnswer): object {
  const { best, base, layers, front, comparison, misses, output } = answer
  const { plan } = best
  const { layers: _, ...summary } = summaryJson(best, layers)
  return {
    run,
    plan,
    ...summary,
    front: front.map((candidate) => summaryJson(candidate, layers)),
    base: summaryJson(base, layers),
    comparison,
    met: misses.length === 0,
    misses,
    targets: answer.targets,
    output,
    strategy: answer.strategy,
    configurations: answer.configurations,
    dropKind: answer.dropKind,
    samples: answer.samples,
    sensitivity: answer.sensitivity,
    border: answer.border,
    trials: answer.trials,
    measuredNow: answer.measuredNow,
    referenceBytes: answer.referenceBytes,
    execution: best.speed?.layers ?? null,
    wallMs: answer.wallMs,
    warnings: answer.warnings,
  }
}

const DROP_TITLES: Readonly<Record<SearchAnswer['dropKind'], string>> = {
  top1: 'drop of top-1',
  disagreement: 'drop (1 − agreement)',
  nsr: 'drop (noise / signal)',
}

function searchText(run: string, answer: SearchAnswer): string {
  const { best, base, front, output, strategy, trials, measuredNow, comparison, samples, wallMs } = answer
  const head = `run ${run}: ${output}\n${strategy}, ${trials} plans (${measuredNow} measured now) in ${(wallMs / 1000).toFixed(1)} s, on ${samples.heldBack.end - samples.heldBack.start} samples that the ranking did not use`
  const right = 'right' as const
  const columns: Column[] = [
    { title: 'plan' },
    { title: 'float', align: right },
    { title: DROP_TITLES[answer.dropKind], align: right },
    { title: '95 % interval' },
    { title: 'expected', align: right },
    { title: 'KL to float', align: right },
    { title: 'size', align: right },
    { title: 'expected', align: right },
    { title: 'speed', align: right },
    { title: 'expected', align: right },
  ]
  const rows = [
    planRow('best', best, answer),
    planRow(`all ${answer.configurations[0]!}`, base, answer),
    ...front.map((candidate, i) => planRow(`front ${i + 1}`, candidate, answer)),
  ]
  return [head, formatTable(columns, rows), detailText(answer), ...(comparison ? [comparisonText(answer)] : [])].join(
    '\n\n',
  )
}

function planRow(name: string, candidate: Candidate, { dropKind }: SearchAnswer): string[] {
  const { trial, speed } = candidate
  const { predicted, measured, floatLayers } = trial
  const show = (drop: number): string => (dropKind === 'nsr' ? drop.toPrecision(3) : formatPercent(drop))
  const interval = candidate.result.drop
  return [
    name,
    String(floatLayers),
    show(measured.drop),
    interval ? `${show(interval.low)} … ${show(interval.high)}` : '',
    predicted.drop === null ? '' : show(predicted.drop),
    candidate.result.kl === null ? '' : candidate.result.kl.toPrecision(3),
    formatBytes(measured.bytes),
    formatBytes(Math.round(predicted.bytes)),
    speed ? `${speed.speedup.toFixed(2)}×` : '',
    `${predicted.speedup.toFixed(2)}×`,
  ]
}

function detailText({ best, layers, configurations }: SearchAnswer): string {
  const { float, weights } = summaryJson(best, layers) as { float: string[]; weights: Record<string, number> }
  const shares = Object.entries(weights).map(([name, share]) => `${formatPercent(share, 1)} ${name}`)
  const named = float.length > 0 ? `in float: ${float.join(', ')}` : `no layer in float (base ${configurations[0]!})`
  return `best plan, ${named}\nweights: ${shares.join(', ')}`
}

function comparisonText({ comparison, configurations }: SearchAnswer): string {
  const { top1Gain, lossGain, klGain, samples } = comparison!
  const top1 =
    top1Gain &&
    `top-1 ${signed(100 * top1Gain.value, 2)} points (${signed(100 * top1Gain.low, 2)} … ${signed(100 * top1Gain.high, 2)})`
  const known = [top1, lowerText('loss', lossGain), lowerText('KL to float', klGain)].filter((text) => text !== null)
  if (known.length === 0) return `against all ${configurations[0]!}: no labels and no class scores, see the drops above`
  return `against all ${configurations[0]!}, paired on the same ${samples} samples, 95 %: ${known.join('; ')}`
}

function lowerText(what: string, gain: Interval | null): string | null {
  if (gain === null) return null
  const { value, low, high } = gain
  return `${what} ${Math.abs(value).toFixed(5)} nats ${value < 0 ? 'higher' : 'lower'} (lower by ${signed(low, 5)} … ${signed(high, 5)})`
}

function signed(value: number, digits: number): string {
  return `${value >= 0 ? '+' : '−'}${Math.abs(value).toFixed(digits)}`
}
