import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createOrtEngine } from '../../src/main/engines/ort/engine.ts'
import type { EngineTensor, Feeds, SessionOptions } from '../../src/main/engines/port.ts'
import { decodeModel, modelBytes } from '../../src/main/formats/onnx/index.ts'
import type { Model } from '../../src/main/graph/model.ts'

/** What ONNX Runtime makes of a model: results, optimised graph, and the events of its profile. */
export interface Probe {
  readonly outputs: Feeds
  readonly dump: Model
  /** the profile file, parsed as JSON */
  readonly profile: unknown
  /** median of the measured runs */
  readonly medianMs: number
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-probe-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
let count = 0

/** Runs a model `runs` times with its graph dumped and its profile taken. */
export async function probe(
  model: Model,
  feeds: Feeds,
  options: { runs?: number; session?: SessionOptions } = {},
): Promise<Probe> {
  const base = path.join(folder, `m${count++}`)
  fs.writeFileSync(`${base}.onnx`, modelBytes(model))
  const session = await createOrtEngine().createSession(`${base}.onnx`, {
    threads: 1,
    optimizedModelPath: `${base}.opt.onnx`,
    profilePrefix: `${base}.profile`,
    ...options.session,
  })
  try {
    const times: number[] = []
    let outputs: Feeds = {}
    for (let run = 0; run < (options.runs ?? 1); run++) {
      const start = performance.now()
      outputs = await session.run(feeds)
      times.push(performance.now() - start)
    }
    const profile: unknown = JSON.parse(fs.readFileSync(await session.endProfiling(), 'utf8'))
    const dump = decodeModel(fs.readFileSync(`${base}.opt.onnx`))
    return { outputs, dump, profile, medianMs: times.sort((a, b) => a - b)[times.length >> 1]! }
  } finally {
    await session.release()
  }
}

/** Runs a model once. */
export async function run(model: Model, feeds: Feeds, session: SessionOptions = { threads: 1 }): Promise<Feeds> {
  const opened = await createOrtEngine().createSession(modelBytes(model), session)
  try {
    return await opened.run(feeds)
  } finally {
    await opened.release()
  }
}

/** Medians of several models over the same feeds, run in turns, in milliseconds. */
export async function interleavedMs(
  models: readonly Model[],
  feeds: Feeds,
  rounds: number,
  session: SessionOptions = { threads: 1 },
): Promise<number[]> {
  const sessions = await Promise.all(models.map((model) => createOrtEngine().createSession(modelBytes(model), session)))
  try {
    const times: number[][] = models.map(() => [])
    for (let round = 0; round < rounds + 2; round++) {
      for (const [i, opened] of sessions.entries()) {
        const start = performance.now()
        await opened.run(feeds)
        if (round >= 2) times[i]!.push(performance.now() - start)
      }
    }
    return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]!)
  } finally {
    await Promise.all(sessions.map((opened) => opened.release()))
  }
}

/** A float32 tensor for a feed. */
export function feed(dims: readonly number[], data: Float32Array): EngineTensor {
  return { dataType: 'float', dims, data }
}

/** Operators of a graph with their counts, domains in front where not ai.onnx. */
export function opCounts(model: Model): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { domain, opType } of model.graph.nodes) {
    const op = domain === '' ? opType : `${domain}.${opType}`
    counts[op] = (counts[op] ?? 0) + 1
  }
  return counts
}
