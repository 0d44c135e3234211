import { expect, it, vi } from 'vitest'
import type { Command } from '../../../../src/renderer/commands.ts'
import { paletteGroups, type PaletteSources } from '../../../../src/renderer/components/shell/palette.ts'
import type { RunSummary } from '../../../../src/shared/contract/runs.ts'
import { layer } from '../plan/layers.ts'

const command = (id: string, title: string, more: Partial<Command> = {}): Command => ({
  id,
  title,
  group: 'Window',
  run: vi.fn(),
  ...more,
})
const RUN: RunSummary = {
  id: 'r1',
  kind: 'search',
  status: 'done',
  startedAt: '2026-01-02T03:04:05.000Z',
  endedAt: null,
  modelHash: null,
  modelPath: null,
  dataHash: null,
  metrics: {},
  tags: [],
  note: '',
}
const SOURCES: PaletteSources = {
  commands: [
    command('theme.dark', 'Theme: dark', { words: 'colour appearance' }),
    command('measure', 'Measure the plan'),
    command('canvas.walk', 'Walk along edges', { hidden: true }),
  ],
  models: [],
  layers: [layer('features/conv1'), layer('fire2/squeeze')],
  runs: [RUN],
}
const shown = (typed: string): Record<string, string[]> =>
  Object.fromEntries(
    paletteGroups(typed, SOURCES).map(({ title, lines }) => [title, lines.map(({ item }) => item.title)]),
  )

it('begins with commands and what was done last, without all the layers', () => {
  expect(shown('')).toEqual({ Commands: ['Theme: dark', 'Measure the plan'], Runs: ['search r1'] })
})

it('finds commands by further words, without marking their titles', () => {
  const [group] = paletteGroups('>colour', SOURCES)
  expect(group?.lines.map(({ item, match }) => [item.title, match.places])).toEqual([['Theme: dark', []]])
})

it('puts the group with the best line first', () => {
  expect(Object.keys(shown('squeeze'))[0]).toBe('Layers')
  expect(Object.keys(shown('meas'))[0]).toBe('Commands')
})

it('looks among the commands after >, among the layers after @', () => {
  expect(shown('>me')).toEqual({ Commands: expect.arrayContaining(['Measure the plan']) })
  expect(shown('@')).toEqual({ Layers: ['features/conv1', 'fire2/squeeze'] })
  expect(shown('@sq')).toEqual({ Layers: ['fire2/squeeze'] })
})

it('never lists hidden commands', () => {
  expect(shown('walk')).toEqual({ Runs: ['search r1'] })
})
