import type { Command } from '../../commands.ts'
import { fuzzySort, type Match } from '../../fuzzy.ts'
import type { RecentModel } from '../../../shared/contract/api/models.ts'
import type { LayerInfo } from '../../../shared/contract/model.ts'
import type { RunSummary } from '../../../shared/contract/runs.ts'

/** What the palette can find. */
export interface PaletteSources {
  readonly commands: readonly Command[]
  readonly models: readonly RecentModel[]
  readonly layers: readonly LayerInfo[]
  /** already found by the store */
  readonly runs: readonly RunSummary[]
}

/** One line of the palette. */
export type PaletteItem =
  | {
      readonly kind: 'command'
      readonly key: string
      readonly title: string
      readonly hint: string
      readonly command: Command
    }
  | {
      readonly kind: 'model'
      readonly key: string
      readonly title: string
      readonly hint: string
      readonly hash: string
    }
  | {
      readonly kind: 'layer'
      readonly key: string
      readonly title: string
      readonly hint: string
      readonly layer: string
    }
  | { readonly kind: 'run'; readonly key: string; readonly title: string; readonly hint: string; readonly run: string }

/** A group of lines with its heading. */
export interface PaletteGroup {
  readonly title: string
  readonly lines: readonly { readonly item: PaletteItem; readonly match: Match }[]
}

const MOST = { commands: 40, models: 8, layers: 40 } as const
/** Share of the best score below which a match is scattered letters beside a true one. */
const WORTH_SHOWING = 0.4
const NO_MATCH: Match = { score: 0, places: [] }

const commandItem = (command: Command): PaletteItem => ({
  kind: 'command',
  key: `command:${command.id}`,
  title: command.title,
  hint: command.group,
  command,
})
const modelItem = (model: RecentModel): PaletteItem => ({
  kind: 'model',
  key: `model:${model.hash}`,
  title: model.name,
  hint: model.path,
  hash: model.hash,
})
const layerItem = (layer: LayerInfo): PaletteItem => ({
  kind: 'layer',
  key: `layer:${layer.id}`,
  title: layer.id,
  hint: layer.activation ? `${layer.op} + ${layer.activation}` : layer.op,
  layer: layer.id,
})
const runItem = (run: RunSummary): PaletteItem => ({
  kind: 'run',
  key: `run:${run.id}`,
  title: run.note === '' ? `${run.kind} ${run.id}` : run.note,
  hint: `${run.kind} · ${run.startedAt.slice(0, 16).replace('T', ' ')}`,
  run: run.id,
})

/** Lines for a command are found by its further words too; only what is in the title is marked. */
function commandLines(query: string, commands: readonly Command[]): PaletteGroup['lines'] {
  const items = commands.filter((command) => !command.hidden).map(commandItem)
  const byTitle = fuzzySort(query, items, ({ title }) => title, MOST.commands)
  const found = new Set(byTitle.map(({ item }) => item.key))
  const rest = items.filter((item) => item.kind === 'command' && item.command.words && !found.has(item.key))
  const byWords = fuzzySort(
    query,
    rest,
    (item) => (item.kind === 'command' ? (item.command.words ?? '') : ''),
    MOST.commands,
  ).map(({ item }) => ({ item, match: NO_MATCH }))
  return [...byTitle, ...byWords]
}

/** `>` looks among the commands only, `@` among the layers only. */
function scopeOf(query: string): {
  readonly query: string
  readonly commands: boolean
  readonly layers: boolean
  readonly rest: boolean
} {
  const rest = query.slice(1).trim()
  if (query.startsWith('>')) return { query: rest, commands: true, layers: false, rest: false }
  if (query.startsWith('@')) return { query: rest, commands: false, layers: true, rest: false }
  return { query: query.trim(), commands: true, layers: query.trim() !== '', rest: true }
}

/** What the palette shows for what is typed; the group with the best line first. */
export function paletteGroups(typed: string, sources: PaletteSources): readonly PaletteGroup[] {
  const { query, commands, layers, rest } = scopeOf(typed)
  const groups: PaletteGroup[] = [
    { title: 'Commands', lines: commands ? commandLines(query, sources.commands) : [] },
    {
      title: 'Layers',
      lines: layers ? fuzzySort(query, sources.layers.map(layerItem), ({ title }) => title, MOST.layers) : [],
    },
    {
      title: 'Models',
      lines: rest ? fuzzySort(query, sources.models.map(modelItem), ({ title }) => title, MOST.models) : [],
    },
    { title: 'Runs', lines: rest ? sources.runs.map((run) => ({ item: runItem(run), match: NO_MATCH })) : [] },
  ]
  const scoreOf = (group: PaletteGroup): number => group.lines[0]?.match.score ?? 0
  const least = Math.max(...groups.map(scoreOf)) * WORTH_SHOWING
  const filled = groups
    .map(({ title, lines }) => ({
      title,
      lines: lines.filter(({ match }) => match === NO_MATCH || match.score >= least),
    }))
    .filter(({ lines }) => lines.length > 0)
  return query === '' ? filled : filled.sort((a, b) => scoreOf(b) - scoreOf(a))
}
