import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, SAMPLE, type CliResult } from '../builders/cli.ts'

// Searches through real processes, on the built-in sample.

let folder: string
let home: string
const DATA = ['--data', 'synthetic-digits', '--calibration-samples', '32', '--samples', '200', '--threads', '1']

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-search-test-'))
  home = path.join(folder, 'home')
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const file = (name: string): string => path.join(folder, name)

interface SearchJson {
  readonly run: string
  readonly plan: { readonly layers: Record<string, unknown> }
  readonly drop: number
  readonly bytes: number
  readonly speedup: number
  readonly floatLayers: number
  readonly weights: Record<string, number>
  readonly measuredNow: number
  readonly sensitivity: { readonly evaluations: number; readonly found: number }
  readonly met: boolean
  readonly measured: { readonly damage: number }
  readonly base: { readonly measured: { readonly damage: number } }
  readonly comparison: {
    readonly samples: number
    readonly klGain: { value: number; low: number; high: number }
  } | null
  readonly front: readonly {
    readonly drop: number
    readonly bytes: number
    readonly predicted: object
    readonly measured: object
  }[]
  readonly samples: {
    readonly ranking: { start: number; end: number }
    readonly heldBack: { start: number; end: number }
  }
}

async function search(...args: string[]): Promise<CliResult & { readonly answer: SearchJson }> {
  const result = await runCli(['search', SAMPLE, ...DATA, '--force', '--json', '--home', home, ...args])
  return { ...result, answer: JSON.parse(result.stdout || '{}') as SearchJson }
}

describe('search on the built-in sample', () => {
  it('writes a measured plan that quantize takes, and the next search reuses everything', async () => {
    const plan = file('hybrid.json')
    const first = await search('-o', plan, '--max-float-layers', '1')
    expect(first.exitCode, first.stderr).toBe(0)
    const { answer } = first
    expect(answer.floatLayers).toBeLessThanOrEqual(1)
    expect(answer.samples).toEqual({ ranking: { start: 0, end: 50 }, heldBack: { start: 50, end: 200 } })
    expect(JSON.parse(fs.readFileSync(plan, 'utf8'))).toEqual(answer.plan)
    for (const { predicted, measured } of answer.front) {
      expect(predicted).toMatchObject({ damage: expect.any(Number), bytes: expect.any(Number) })
      expect(measured).toMatchObject({ damage: expect.any(Number), drop: expect.any(Number) })
    }
    const output = file('hybrid.onnx')
    const quantized = await runCli([
      'quantize',
      SAMPLE,
      ...DATA.slice(0, 4),
      '--plan',
      plan,
      '-o',
      output,
      '--home',
      home,
    ])
    expect(quantized.exitCode, quantized.stderr).toBe(0)
    expect(fs.statSync(output).size).toBe(answer.bytes)

    const again = await search('-o', file('again.json'), '--max-float-layers', '1')
    expect(again.answer.measuredNow).toBe(0)
    expect(again.answer.sensitivity.evaluations).toBe(0)
    expect(again.answer.plan).toEqual(answer.plan)
    expect(again.answer.speedup).toBe(answer.speedup)
    const resumed = await search('-o', file('resumed.json'), '--resume', answer.run)
    expect(resumed.exitCode, resumed.stderr).toBe(0)
    expect(resumed.answer.plan).toEqual(answer.plan)
    const clash = await search('--resume', answer.run, '--max-drop', '0.1')
    expect(clash).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--max-drop cannot be given') })
  })

  it('keeps a size, with weights of 4 bits', async () => {
    const { exitCode, stderr, answer } = await search('-o', file('size.json'), '--max-size', '32%', '--trials', '3')
    expect(stderr).not.toContain('internal error')
    expect([0, 5]).toContain(exitCode)
    expect(answer.weights['int4']).toBeGreaterThan(0)
    expect(answer.met).toBe(exitCode === 0)
    // the two were measured apart, and sample by sample
    const { samples, klGain } = answer.comparison!
    expect(samples).toBe(150)
    expect(klGain.value).toBeCloseTo(answer.base.measured.damage - answer.measured.damage, 12)
    expect(klGain.low).toBeLessThan(klGain.value)
    expect(klGain.high).toBeGreaterThan(klGain.value)
  })

  it('ends with 5 and the best plan where the target cannot be met', async () => {
    const plan = file('impossible.json')
    const { exitCode, stderr, answer } = await search('-o', plan, '--max-size', '100', '--trials', '2')
    expect(exitCode).toBe(5)
    expect(stderr).toContain('target.notReached')
    expect(answer.met).toBe(false)
    expect(JSON.parse(fs.readFileSync(plan, 'utf8'))).toEqual(answer.plan)
  })

  it('an interrupted search leaves the best plan so far', async () => {
    const plan = file('interrupted.json')
    const args = ['search', SAMPLE, ...DATA, '--seed', '7', '--max-float-layers', '2', '-o', plan, '--home', home]
    const { exitCode } = await runCli(args, {
      onStderr: (text, interrupt) => text.includes('plan 1:') && interrupt(),
    })
    expect(exitCode).toBe(130)
    expect(JSON.parse(fs.readFileSync(plan, 'utf8'))).toMatchObject({ version: 1 })
  })
})
