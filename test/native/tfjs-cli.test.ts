import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as tf from '@tensorflow/tfjs'
import type { ModelSummary } from '../../src/shared/contract/model.ts'
import { readModelFile } from '../../src/main/jobs/model-file.ts'
import { CLI_ENTRY, runCli, SAMPLE } from '../builders/cli.ts'
import { difference, inputsFor, runTfjs, runOnnx, saveLayers, type TfjsFiles } from '../builders/tfjs.ts'

// Models of TensorFlow.js through real processes: opened wherever a model is, converted both ways.

let folder: string
let home: string
let files: TfjsFiles

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-tfjs-'))
  home = path.join(folder, 'home')
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [28, 28, 1],
        filters: 6,
        kernelSize: 3,
        strides: 2,
        activation: 'relu',
        name: 'stem',
      }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, activation: 'softmax', name: 'head' }),
    ],
  })
  files = await saveLayers(model)
  write('model', files)
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

function write(name: string, { json, shards }: TfjsFiles, change: (json: string) => string = (text) => text): string {
  const target = path.join(folder, name)
  fs.mkdirSync(target, { recursive: true })
  for (const [file, bytes] of shards) fs.writeFileSync(path.join(target, file), bytes)
  fs.writeFileSync(path.join(target, 'model.json'), change(new TextDecoder().decode(json)))
  return target
}

/** Runs the command line and kills it with its workers once the names in a folder have changed so many times. */
async function killedCli(args: readonly string[], watched: string, changes: number): Promise<void> {
  const child = spawn(process.execPath, [CLI_ENTRY, ...args], { stdio: 'ignore', detached: true })
  const ended = once(child, 'close')
  let [last, seen] = [fs.readdirSync(watched).join(), 0]
  while (child.exitCode === null && child.signalCode === null) {
    await setImmediate()
    const names = fs.readdirSync(watched).join()
    if (names !== last) seen++
    last = names
    if (seen < changes) continue
    process.kill(-child.pid!, 'SIGKILL')
    break
  }
  await ended
}

/** A model as it lies in a folder. */
function filesIn(name: string): TfjsFiles {
  const shards = fs.readdirSync(at(name)).filter((file) => file.endsWith('.bin'))
  return {
    json: new Uint8Array(fs.readFileSync(at(`${name}/model.json`))),
    shards: new Map(shards.map((file) => [file, new Uint8Array(fs.readFileSync(at(`${name}/${file}`)))])),
  }
}

const at = (name: string): string => path.join(folder, name)

async function run(...args: string[]): Promise<{ exitCode: number | null; json: unknown; stderr: string }> {
  const { exitCode, stdout, stderr } = await runCli([...args, '--json', '--home', home])
  return { exitCode, json: stdout === '' ? null : (JSON.parse(stdout) as unknown), stderr }
}

describe('opening', () => {
  it.each(['model', 'model/model.json'])('inspect takes %s', async (name) => {
    const { json, exitCode } = await run('inspect', at(name))
    const summary = json as ModelSummary
    expect(exitCode).toBe(0)
    expect(summary).toMatchObject({ format: 'tfjs-layers', opset: { '': 17 } })
    expect(summary.layers.map(({ id }) => id)).toEqual(expect.arrayContaining(['stem', 'head']))
    expect(summary.inputs[0]!.shape).toEqual(['N', 28, 28, 1])
  })

  it('the hash goes over model.json and its shards', async () => {
    const { hash } = await readModelFile(at('model'))
    const [first, bytes] = [...files.shards][0]!
    const changed = new Map(files.shards).set(
      first,
      bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    )
    expect((await readModelFile(write('changed', { ...files, shards: changed }))).hash).not.toBe(hash)
    expect((await readModelFile(at('model/model.json'))).hash).toBe(hash)
  })

  it('quantize, eval and bench take it as it is', async () => {
    const samples = ['--data', 'synthetic-digits', '--samples', '64']
    const quantized = await run(
      'quantize',
      at('model'),
      '--data',
      'synthetic-digits',
      '--samples',
      '64',
      '-o',
      at('int8.onnx'),
    )
    expect(quantized.exitCode, quantized.stderr).toBe(0)
    const found = await run('eval', at('int8.onnx'), '--reference', at('model'), ...samples)
    expect(found.exitCode, found.stderr).toBe(0)
    expect((found.json as { agreement: number }).agreement).toBeGreaterThan(0.9)
    const timed = await run('bench', at('int8.onnx'), '--reference', at('model/model.json'))
    expect(timed.exitCode, timed.stderr).toBe(0)
    expect((timed.json as { referenceMedianMs: number }).referenceMedianMs).toBeGreaterThan(0)
  })

  const firstPath = (replacement: string) => (text: string) => text.replace('"shard0.bin"', JSON.stringify(replacement))
  it.each([
    ['above the folder', '../secret.bin', 'format.externalPath'],
    ['above the folder, with the other slash', '..\\secret.bin', 'format.externalPath'],
    ['at the root', '/etc/hostname', 'format.externalPath'],
    ['at an address', 'https://example.org/w.bin', 'format.externalMissing'],
    ['behind a link', 'link.bin', 'format.externalPath'],
    ['nowhere', 'missing.bin', 'format.externalMissing'],
  ])('a shard %s is refused', async (_, shard, code) => {
    const target = write('bad', files, firstPath(shard))
    fs.writeFileSync(at('secret.bin'), new Uint8Array(1000))
    fs.rmSync(path.join(target, 'link.bin'), { force: true })
    fs.symlinkSync(at('secret.bin'), path.join(target, 'link.bin'))
    await expect(readModelFile(target)).rejects.toMatchObject({ code, message: expect.stringContaining(target) })
  })

  it('a damaged model ends with exit code 3 and one sentence', async () => {
    const target = write('cut', {
      ...files,
      shards: new Map([...files.shards].map(([name, bytes]) => [name, bytes.slice(1)])),
    })
    const { exitCode, stderr } = await runCli(['inspect', target, '--home', home])
    expect(exitCode).toBe(3)
    expect(stderr).toMatch(/shards .* hold .*: the wrong files, or cut short/)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})

describe('bad input, through real processes: one sentence, exit code 3, nothing written', () => {
  interface LayerSpec {
    readonly class_name: string
    readonly config: Readonly<Record<string, unknown>>
  }
  const input: LayerSpec = { class_name: 'InputLayer', config: { name: 'in', batch_input_shape: [null, 4] } }
  const dense: LayerSpec = { class_name: 'Dense', config: { name: 'fc', units: 2, use_bias: false } }
  const kernel = { name: 'fc/kernel', shape: [4, 2], dtype: 'float32' }

  function bad(
    name: string,
    change: { layers?: LayerSpec[]; weight?: object; shard?: Uint8Array | null } = {},
  ): string {
    const { layers = [input, dense], weight = kernel, shard = new Uint8Array(32) } = change
    const json = {
      format: 'layers-model',
      modelTopology: { model_config: { class_name: 'Sequential', config: { name: 'm', layers } } },
      weightsManifest: [{ paths: ['w.bin'], weights: [weight] }],
    }
    const shards = new Map(shard ? [['w.bin', shard]] : [])
    return write(name, { json: new TextEncoder().encode(JSON.stringify(json)), shards })
  }
  const written = (name: string, text: string): string =>
    write(name, { json: new TextEncoder().encode(text), shards: new Map() })
  const layer = (type: string, config: object = {}): LayerSpec => ({
    class_name: type,
    config: { name: type.toLowerCase(), ...config },
  })
  const quantized = { ...kernel, quantization: { dtype: 'uint8', scale: 1e38, min: 0 } }
  const folderOfJson = (): string => {
    fs.mkdirSync(at('folder/model.json'), { recursive: true })
    return at('folder')
  }

  it.each([
    ['a shard that is not there', () => bad('none', { shard: null }), /"w\.bin" .*not in the model's folder/],
    ['a shard cut short', () => bad('short', { shard: new Uint8Array(31) }), /take 32 bytes.* hold 31/],
    ['a shard too long', () => bad('long', { shard: new Uint8Array(33) }), /take 32 bytes.* hold 33/],
    ['weights beyond their type', () => bad('range', { weight: quantized, shard: new Uint8Array(8) }), /range float32/],
    [
      'layers nobody knows, all at once',
      () => bad('layers', { layers: [input, layer('LSTM'), layer('Attention'), layer('Mine')] }),
      /LSTM .*Attention .*Mine/,
    ],
    [
      'a shape no memory holds',
      () => bad('huge', { layers: [input, layer('Reshape', { target_shape: [1e9, 1e9] })] }),
      /1000000000/,
    ],
    ['brackets without end', () => written('deep', `{"modelTopology":${'['.repeat(200_000)}`), /deeper than 64/],
    ['text that breaks off', () => written('broken', '{"format": "layers-mo'), /not sound JSON/],
    ['a folder in the place of model.json', folderOfJson, /folder without a model\.json/],
  ])('%s', async (_, make, text) => {
    const { exitCode, stderr, stdout } = await runCli(['convert', make(), at('never'), '--home', home])
    expect(stderr).toMatch(text)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect([exitCode, stdout, fs.existsSync(at('never'))]).toEqual([3, '', false])
  })
})

describe('convert', () => {
  it('to ONNX and back gives what TensorFlow.js gives', async () => {
    const there = await run('convert', at('model'), at('there.onnx'))
    expect(there.exitCode, there.stderr).toBe(0)
    const back = await run('convert', at('there.onnx'), at('back'))
    expect(back.exitCode, back.stderr).toBe(0)
    expect(back.json).toMatchObject({ target: 'tfjs', sourceFormat: 'onnx' })
    const { model } = await readModelFile(at('there.onnx'))
    const inputs = inputsFor(model)
    const wanted = await runTfjs(files, inputs)
    expect(difference(wanted, await runOnnx(model, inputs))).toBeLessThan(1e-4)
    expect(difference(wanted, await runTfjs(filesIn('back'), inputs))).toBeLessThan(1e-4)
  })

  it('stores weights layer by layer, and is a run of the store', async () => {
    const { layers } = (await run('inspect', SAMPLE)).json as ModelSummary
    const kept = layers.find(({ parameters }) => parameters > 0)!.id
    const stored = await run('convert', SAMPLE, at('kept'), '--weights', 'uint8', '--keep-float', kept)
    expect(stored.exitCode, stored.stderr).toBe(0)
    const answer = stored.json as {
      run: string
      layers: { id: string; storage: string }[]
      sizeBytes: number
      sourceBytes: number
    }
    expect(answer.layers.filter(({ storage }) => storage === 'float32').map(({ id }) => id)).toEqual([kept])
    expect(answer.sizeBytes).toBeLessThan(answer.sourceBytes / 2)
    const shown = await run('runs', 'show', answer.run)
    expect(JSON.stringify(shown.json)).toContain('convert')
  })

  it.each([
    ['a layer that is not there', ['--weights', 'uint8', '--keep-float', 'nobody'], 'refused', 3, /no layer "nobody"/],
    ['weights for an ONNX file', ['--weights', 'uint8'], 'refused.onnx', 2, /quantbench quantize/],
    ['a type nobody has', ['--weights', 'int3'], 'refused', 2, /int3/],
  ])('%s is refused, and nothing written', async (_, options, name, code, text) => {
    const { exitCode, stderr } = await runCli(['convert', at('model'), at(name), ...options, '--home', home])
    expect(stderr).toMatch(text)
    expect(exitCode).toBe(code)
    expect(fs.existsSync(at(name)) && fs.readdirSync(at(name)).length > 0).toBe(false)
  })

  it(
    'to a layers-model and back gives what TensorFlow.js gives, under the same names',
    { timeout: 120_000 },
    async () => {
      const there = await run('convert', at('model'), at('keras'), '--to', 'layers-model', '--weights', 'float16')
      expect(there.exitCode, there.stderr).toBe(0)
      expect(there.json).toMatchObject({ target: 'tfjs', format: 'layers-model', sourceFormat: 'tfjs-layers' })
      expect((await run('inspect', at('keras'))).json).toMatchObject({ format: 'tfjs-layers' })
      const inputs = inputsFor((await readModelFile(at('model'))).model)
      expect(difference(await runTfjs(files, inputs), await runTfjs(filesIn('keras'), inputs))).toBeLessThan(0.005)
    },
  )

  it.each([
    ['a format for a name of another', ['--to', 'onnx'], 'refused', 2, /name NAME\.onnx/],
    ['a folder format for a file', ['--to', 'layers-model'], 'refused.onnx', 2, /name a folder/],
  ])('%s is refused', async (_, options, name, code, text) => {
    const { exitCode, stderr } = await runCli(['convert', at('model'), at(name), ...options, '--home', home])
    expect(stderr).toMatch(text)
    expect(exitCode).toBe(code)
    expect(fs.existsSync(at(name))).toBe(false)
  })

  it('--force leaves no shard of the model before, and nothing else is touched', async () => {
    expect((await run('convert', at('model'), at('forced'))).exitCode).toBe(0)
    const before = fs.readdirSync(at('forced'))
    fs.writeFileSync(at('forced/notes.bin'), 'mine')
    expect((await run('convert', SAMPLE, at('forced'), '--weights', 'uint8', '--force')).exitCode).toBe(0)
    const after = fs.readdirSync(at('forced'))
    expect(after.filter((name) => before.includes(name))).toEqual(['model.json'])
    expect(after).toContain('notes.bin')
    const { weightsManifest } = JSON.parse(fs.readFileSync(at('forced/model.json'), 'utf8')) as {
      weightsManifest: { paths: string[] }[]
    }
    expect(after.sort()).toEqual(['model.json', 'notes.bin', ...weightsManifest[0]!.paths].sort())
    await readModelFile(at('forced'))
  })

  it('killed at any time, leaves a whole model: the old or the new one', async () => {
    const hashes = new Map<string, string>()
    for (const weights of ['float32', 'uint8']) {
      expect((await run('convert', at('model'), at(`whole-${weights}`), '--weights', weights)).exitCode).toBe(0)
      hashes.set((await readModelFile(at(`whole-${weights}`))).hash, weights)
    }
    expect((await run('convert', at('model'), at('killed'))).exitCode).toBe(0)
    for (const [round, changes] of [1, 2, 3].entries()) {
      const weights = round % 2 === 0 ? 'uint8' : 'float32'
      const args = ['convert', at('model'), at('killed'), '--force', '--weights', weights, '--home', home]
      await killedCli(args, at('killed'), changes)
      expect([...hashes.keys()]).toContain((await readModelFile(at('killed'))).hash)
    }
    expect((await run('convert', at('model'), at('killed'), '--force')).exitCode).toBe(0)
    expect(fs.readdirSync(at('killed')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('leaves what is there alone without --force', async () => {
    expect((await run('convert', at('model'), at('twice'))).exitCode).toBe(0)
    const again = await run('convert', at('model'), at('twice'))
    expect(again.exitCode).toBe(3)
    expect(again.stderr).toMatch(/--force/)
    expect((await run('convert', at('model'), at('twice'), '--force')).exitCode).toBe(0)
  })
})
