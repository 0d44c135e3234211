import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, SAMPLE, type CliResult } from '../builders/cli.ts'

// Sweeps and explanations through real processes, on the built-in sample.

let folder: string
let home: string
const DATA = ['--data', 'synthetic-digits', '--calibration-samples', '32', '--samples', '200']

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-sweep-test-'))
  home = path.join(folder, 'home')
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const file = (name: string): string => path.join(folder, name)

interface Point {
  readonly what: string
  readonly bits: number
  readonly top1: number
  readonly agreement: number
  readonly sqnr: number
  readonly drop: number
  readonly interval: readonly [number, number]
  readonly bytes: number
}

interface SweepJson {
  readonly run: string
  readonly points: readonly Point[]
  readonly reference: { readonly top1: number; readonly bytes: number }
  readonly files: { readonly json: string; readonly csv: string; readonly svg: string }
  readonly measured: number
  readonly found: number
}

async function sweep(...args: string[]): Promise<CliResult & { readonly answer: SweepJson }> {
  const result = await runCli(['sweep', SAMPLE, ...DATA, '--json', '--home', home, ...args])
  return { ...result, answer: JSON.parse(result.stdout || '{}') as SweepJson }
}

describe('sweep on the built-in sample', () => {
  it('measures the curves, writes the files, and measures nothing twice', async () => {
    const { exitCode, stderr, answer } = await sweep('--bits', '1,2,4,8', '-o', file('curve'))
    expect(exitCode, stderr).toBe(0)
    expect(answer.points).toHaveLength(12)
    expect(answer.measured).toBe(10) // 8 bits are one plan for all three
    for (const what of ['weights', 'activations', 'both']) {
      const sqnr = answer.points.filter((point) => point.what === what).map((point) => point.sqnr)
      expect(sqnr.slice(1)).toEqual([...sqnr.slice(1)].sort((a, b) => a - b))
      expect(sqnr.at(-1)).toBeGreaterThan(20)
    }
    for (const { top1, drop, interval, bytes } of answer.points) {
      expect(answer.reference.top1 - top1).toBeCloseTo(drop, 10)
      expect(interval[0]).toBeLessThanOrEqual(drop)
      expect(interval[1]).toBeGreaterThanOrEqual(drop)
      expect(bytes).toBeLessThan(answer.reference.bytes)
    }
    const kept = JSON.parse(fs.readFileSync(file('curve.json'), 'utf8')) as SweepJson
    expect(kept.points).toEqual(answer.points)
    expect(kept.run).toBe(answer.run)
    expect(fs.readFileSync(file('curve.csv'), 'utf8').trim().split('\n')).toHaveLength(2 + 12)
    expect(fs.readFileSync(file('curve.svg'), 'utf8')).toContain('Accuracy over bits: digits-cnn')

    const again = await sweep('--bits', '1,2,4,8', '-o', file('curve'))
    expect(again.exitCode).toBe(3)
    expect(again.stderr).toContain('file.exists')
    const forced = await sweep('--bits', '1,2,4,8', '-o', file('curve'), '--force')
    expect(forced.answer.measured).toBe(0)
    expect(forced.answer.found).toBe(10)
    expect(forced.answer.points).toEqual(answer.points)
    const wider = await sweep('--bits', '1-2,5', '--what', 'weights', '-o', `${file('made')}/`)
    expect(wider.answer.measured).toBe(1)
    expect(fs.readdirSync(file('made')).sort()).toEqual(['digits-cnn.csv', 'digits-cnn.json', 'digits-cnn.svg'])

    const run = await runCli(['runs', 'show', answer.run, '--json', '--home', home])
    expect(JSON.parse(run.stdout)).toMatchObject({
      kind: 'sweep',
      status: 'done',
      metrics: { points: 12, measured: 10 },
    })
  })

  it('refuses what makes no sense before anything is measured', async () => {
    for (const [code, ...args] of [
      ['usage.bits', '--bits', '0-8'],
      ['usage.curve', '--bits', '4', '--what', 'bias'],
      ['file.folderMissing', '--bits', '4', '-o', file('nowhere/curve')],
    ] as const) {
      const { exitCode, stderr } = await sweep(...args)
      expect([2, 3]).toContain(exitCode)
      expect(stderr).toContain(code)
    }
  })

  it('an interrupted sweep leaves no file, and goes on where it was', async () => {
    const args = ['--bits', '2-6', '--what', 'weights', '--seed', '5', '-o', file('cut')]
    const watched = ['sweep', SAMPLE, ...DATA, '--samples', '1000', '--home', home, ...args]
    const { exitCode } = await runCli(watched, {
      onStderr: (text, interrupt) => text.includes('weights in 3 bits: top-1') && interrupt(),
    })
    expect(exitCode).toBe(130)
    expect(fs.readdirSync(folder).filter((name) => name.includes('cut'))).toEqual([])
    const { stdout } = await runCli([...watched, '--json'])
    const answer = JSON.parse(stdout) as SweepJson
    expect(answer.found).toBeGreaterThanOrEqual(2)
    expect(answer.measured + answer.found).toBe(5)
    expect(
      fs
        .readdirSync(folder)
        .filter((name) => name.includes('cut'))
        .sort(),
    ).toEqual(['cut.csv', 'cut.json', 'cut.svg'])
  })
})

describe('sensitivity explains the worst layers', () => {
  it('after the table of the quick scan, in JSON and in the run', async () => {
    const args = ['sensitivity', SAMPLE, ...DATA, '--quick', '--configs', '8,3', '--home', home]
    const { stdout, stderr } = await runCli([...args, '--json'])
    const answer = JSON.parse(stdout || '{}') as {
      readonly run: string
      readonly layers: readonly { readonly id: string; readonly config: string; readonly rank: number }[]
      readonly explanations: readonly { readonly layer: string; readonly config: string; readonly findings: unknown }[]
    }
    expect(answer.explanations, stderr).toHaveLength(3)
    const worst = answer.layers.filter(({ rank }) => rank === 1).map(({ id, config }) => `${id} ${config}`)
    expect(worst).toContain(`${answer.explanations[0]!.layer} ${answer.explanations[0]!.config}`)
    expect(answer.explanations[0]).toMatchObject({
      findings: expect.arrayContaining([
        { kind: 'rounding', text: expect.any(String) as string, numbers: expect.any(Object) as object },
      ]) as unknown,
      remedies: expect.arrayContaining([
        { layer: expect.any(String) as string, override: 'float', text: expect.any(String) as string },
      ]) as unknown,
    })
    const run = await runCli(['runs', 'show', answer.run, '--json', '--home', home])
    expect(JSON.parse(run.stdout)).toMatchObject({ results: { explanations: answer.explanations } })
    const { stdout: text } = await runCli(args)
    for (const { layer, config } of answer.explanations) expect(text).toContain(`Why ${layer} suffers in ${config}:`)
  })
})
