import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelBytes } from '../../../src/main/formats/onnx/index.ts'
import type { Model } from '../../../src/main/graph/model.ts'
import { readModelFile, writeModelFile } from '../../../src/main/jobs/model-file.ts'
import { builtGraphs } from '../../builders/graphs.ts'
import { ModelBuilder } from '../../builders/model-builder.ts'
import { fileWithTensor } from '../../builders/onnx-proto.ts'
import { temporaryFolder } from '../../builders/temporary.ts'

const sha256 = (...parts: Uint8Array[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return `sha256:${hash.digest('hex')}`
}

function gemm(): Model {
  const b = new ModelBuilder()
  b.node('Gemm', [b.input('x', ['N', 32]), b.weights([32, 40])], {}, { outputs: ['y'] })
  b.output('y')
  return b.build()
}

function put(content: Uint8Array | string, name = 'm.onnx'): string {
  const file = path.join(temporaryFolder(), name)
  fs.writeFileSync(file, content)
  return file
}

describe('reading a model file', () => {
  it('gives the model, the hash of the file and its size', async () => {
    const bytes = modelBytes(gemm())
    const file = await readModelFile(put(bytes))
    expect(file).toEqual({ model: gemm(), format: 'onnx', hash: sha256(bytes), sizeBytes: bytes.length, notes: [] })
  })

  it('notes weights that are not finite', async () => {
    const b = new ModelBuilder()
    b.node('Add', [b.input('x', [1]), b.floats([NaN], [1], 'bad')], {}, { outputs: ['y'] })
    b.output('y')
    const { notes } = await readModelFile(put(modelBytes(b.build())))
    expect(notes).toEqual([expect.stringContaining('"bad" (1 NaN')])
  })

  it.each([
    ['a file that is not there', () => path.join(temporaryFolder(), 'no.onnx'), 'file.notFound'],
    ['a folder', () => temporaryFolder(), 'file.isFolder'],
    ['a device', () => '/dev/null', 'file.notReadable'],
    ['an empty file', () => put(''), 'format.empty'],
    ['a text file', () => put('hello\n'), 'format.notOnnx'],
    [
      'a graph that is not sound',
      () => put(modelBytes({ ...gemm(), opsets: new Map([['', 99]]) })),
      'model.opsetUnsupported',
    ],
  ])('%s', async (_, make, code) => {
    const file = make()
    await expect(readModelFile(file)).rejects.toMatchObject({ code, message: expect.stringContaining(file) })
  })

  it('a file beyond what protobuf holds is refused before it is read', async () => {
    const file = put('')
    fs.truncateSync(file, 2 ** 31 + 1)
    await expect(readModelFile(file)).rejects.toMatchObject({ code: 'format.tooLarge' })
  })

  it('stops when told to', async () => {
    const file = put(modelBytes(gemm()))
    await expect(readModelFile(file, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped')
  })
})

describe('writing a model file', () => {
  it.each(builtGraphs())('$name is the same when it is read again', async ({ model }) => {
    const file = path.join(temporaryFolder(), 'm.onnx')
    const { sizeBytes } = await writeModelFile(model, file)
    const again = await readModelFile(file)
    expect(again.model).toEqual(model)
    expect([fs.statSync(file).size, again.sizeBytes]).toEqual([sizeBytes, sizeBytes])
  })

  it('with weights outside: both files, counted and hashed together', async () => {
    const folder = temporaryFolder()
    const file = path.join(folder, 'm.onnx')
    const { sizeBytes } = await writeModelFile(gemm(), file, { external: 'always' })
    expect(fs.readdirSync(folder).sort()).toEqual(['m.onnx', 'm.onnx.data'])
    const [proto, data] = ['m.onnx', 'm.onnx.data'].map((name) => fs.readFileSync(path.join(folder, name)))
    const again = await readModelFile(file)
    expect(again).toMatchObject({ hash: sha256(proto!, data!), sizeBytes })
    expect(again.model).toEqual(gemm())
  })

  it('a model past the limit goes outside of itself', async () => {
    const file = path.join(temporaryFolder(), 'm.onnx')
    await writeModelFile(gemm(), file, { limitBytes: 2000 })
    expect(fs.existsSync(`${file}.data`)).toBe(true)
    expect((await readModelFile(file)).model).toEqual(gemm())
  })

  it('does not touch what is there, neither the model nor its data', async () => {
    const folder = temporaryFolder()
    fs.writeFileSync(path.join(folder, 'm.onnx.data'), 'mine')
    const file = path.join(folder, 'm.onnx')
    await expect(writeModelFile(gemm(), file, { external: 'always' })).rejects.toMatchObject({ code: 'file.exists' })
    expect(fs.readdirSync(folder)).toEqual(['m.onnx.data'])
    await writeModelFile(gemm(), file, { external: 'always', force: true })
    expect((await readModelFile(file)).model).toEqual(gemm())
  })
})

describe('external data that cannot be trusted', () => {
  /** A model of one tensor of two floats, in a folder with `data.bin` of 16 bytes. */
  function place(entries: Record<string, string>): string {
    const folder = temporaryFolder()
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }))
    fs.writeFileSync(
      path.join(folder, 'm.onnx'),
      fileWithTensor({ dataType: 1, dims: [2n], dataLocation: 1, externalData }),
    )
    fs.writeFileSync(path.join(folder, 'data.bin'), new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer))
    return path.join(folder, 'm.onnx')
  }

  it('a sound one is read, the whole file or a part', async () => {
    const whole = await readModelFile(place({ location: 'data.bin', offset: '8', length: '8' }))
    expect(new Float32Array(whole.model.graph.initializers.get('w')!.data.slice().buffer)).toEqual(
      Float32Array.of(2, 3),
    )
    const file = place({ location: 'sub/../data.bin'.replace('sub/../', './'), offset: '4' })
    expect((await readModelFile(file)).sizeBytes).toBe(fs.statSync(file).size + 16)
  })

  it('the hash is that of the whole file, whatever part is in use', async () => {
    const file = place({ location: 'data.bin', offset: '4', length: '8' })
    const data = fs.readFileSync(path.join(path.dirname(file), 'data.bin'))
    expect((await readModelFile(file)).hash).toBe(sha256(fs.readFileSync(file), data))
  })

  it.each([
    ['a file that is not there', { location: 'no.bin' }, 'format.externalMissing'],
    ['an offset beyond the end', { location: 'data.bin', offset: '17' }, 'format.externalShort'],
    ['a length beyond the end', { location: 'data.bin', offset: '12', length: '8' }, 'format.externalShort'],
    ['an offset that overflows', { location: 'data.bin', offset: '9007199254740991' }, 'format.externalShort'],
    ['an offset of twenty digits', { location: 'data.bin', offset: '99999999999999999999' }, 'format.externalEntry'],
    ['a length that does not fit the shape', { location: 'data.bin', length: '4' }, 'format.tensorSize'],
    ['an absolute path', { location: '/etc/passwd' }, 'format.externalPath'],
    ['a path of another system', { location: 'C:\\data.bin' }, 'format.externalPath'],
    ['a path that climbs out', { location: '../data.bin' }, 'format.externalPath'],
    ['a path that climbs out later', { location: 'a/../../data.bin' }, 'format.externalPath'],
    ['a path that climbs out with the other slash', { location: 'a\\..\\..\\data.bin' }, 'format.externalPath'],
    ['a path with a zero byte', { location: 'data.bin\0x' }, 'format.externalPath'],
    ['the folder itself', { location: '.' }, 'format.externalPath'],
    ['a wrong checksum', { location: 'data.bin', checksum: '0'.repeat(40) }, 'format.externalChecksum'],
  ])('%s', async (_, entries, code) => {
    const file = place(entries)
    await expect(readModelFile(file)).rejects.toMatchObject({ code, message: expect.stringContaining(file) })
  })

  it('a right checksum', async () => {
    const bytes = new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer)
    const checksum = createHash('sha1').update(bytes).digest('hex').toUpperCase()
    await expect(readModelFile(place({ location: 'data.bin', checksum }))).resolves.toBeDefined()
  })

  it('a symbolic link may stay in the folder but not leave it', async () => {
    const file = place({ location: 'link.bin' })
    const folder = path.dirname(file)
    fs.symlinkSync('data.bin', path.join(folder, 'link.bin'))
    await expect(readModelFile(file)).resolves.toBeDefined()
    const outside = put(new Uint8Array(16), 'secret.bin')
    fs.rmSync(path.join(folder, 'link.bin'))
    fs.symlinkSync(outside, path.join(folder, 'link.bin'))
    await expect(readModelFile(file)).rejects.toMatchObject({ code: 'format.externalPath' })
    fs.symlinkSync(path.dirname(outside), path.join(folder, 'door'))
    const through = fileWithTensor({
      dataType: 1,
      dims: [2n],
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'door/secret.bin' }],
    })
    fs.writeFileSync(file, through)
    await expect(readModelFile(file)).rejects.toMatchObject({ code: 'format.externalPath' })
  })
})
