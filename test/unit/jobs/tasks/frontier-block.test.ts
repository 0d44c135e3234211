import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Feeds } from '../../../../src/main/engines/port.ts'
import { BlockReader, BlockWriter } from '../../../../src/main/jobs/tasks/frontier-block.ts'
import { temporaryFolder } from '../../../builders/temporary.ts'

const SAMPLE = { index: 7, name: 'seven', label: 3 }

function feeds(batch: number): Feeds {
  return {
    a: { dataType: 'float', dims: [1, 4], data: Float32Array.from([0, 1, 2, 3], (value) => value + 10 * batch) },
    b: { dataType: 'int64', dims: [1, 2], data: BigInt64Array.of(BigInt(batch), -1n) },
  }
}

/** Two batches: 32 bytes each of `a`, `b` and the reference `c`. */
function blockIn(folder: string): string {
  const block = path.join(folder, 'block')
  const writer = new BlockWriter(block)
  for (const batch of [0, 1])
    writer.add(1, [SAMPLE], feeds(batch), {
      c: { dataType: 'float', dims: [1, 4], data: new Float32Array(4).fill(batch) },
    })
  writer.finish('c')
  return block
}

it.each([
  { why: 'all in memory', budget: 4096 },
  { why: 'some in memory', budget: 256 },
  { why: 'nothing in memory', budget: 15 },
])('gives back what was written, $why', ({ budget }) => {
  const reader = new BlockReader(budget)
  const { index, read, close } = reader.open({ folder: blockIn(temporaryFolder()), filling: 'first' })
  expect(index.classOutput).toBe('c')
  for (let round = 0; round < 2; round++) {
    for (const [i, { samples, tensors, reference }] of index.batches.entries()) {
      reader.beginBatch()
      expect(samples).toEqual([SAMPLE])
      expect(read(tensors['a']!)).toEqual(feeds(i)['a'])
      expect(read(tensors['b']!)).toEqual(feeds(i)['b'])
      expect(read(reference['c']!).data).toEqual(new Float32Array(4).fill(i))
    }
  }
  close()
})

it('writes over an earlier, longer block, which nobody takes for the new one', () => {
  const folder = path.join(temporaryFolder(), 'block')
  const reader = new BlockReader(1000)
  const long = { dataType: 'float' as const, dims: [40], data: new Float32Array(40).fill(5) }
  const earlier = new BlockWriter(folder)
  earlier.add(1, [SAMPLE], { a: long }, {})
  earlier.finish(null)
  const before = reader.open({ folder, filling: 'first' })
  expect(before.read(before.index.batches[0]!.tensors['a']!)).toEqual(long)
  before.close()
  blockIn(path.dirname(folder))
  const after = reader.open({ folder, filling: 'second' })
  expect(after.read(after.index.batches[1]!.tensors['a']!)).toEqual(feeds(1)['a'])
  after.close()
  expect(fs.statSync(path.join(folder, 'tensors.bin')).size).toBe(2 * (16 + 16 + 16))
})

it('writes more tensors than one call of the system takes', () => {
  const folder = path.join(temporaryFolder(), 'block')
  const names = Array.from({ length: 2500 }, (_, i) => `t${i}`)
  const tensors = Object.fromEntries(
    names.map((name, i) => [name, { dataType: 'float' as const, dims: [1], data: Float32Array.of(i) }]),
  )
  const writer = new BlockWriter(folder)
  writer.add(1, [SAMPLE], tensors, {})
  writer.finish(null)
  const { index, read, close } = new BlockReader(0).open({ folder, filling: 'first' })
  expect(names.map((name) => read(index.batches[0]!.tensors[name]!).data[0])).toEqual(names.map((_, i) => i))
  close()
})

it('is no block while it is written', () => {
  const block = blockIn(temporaryFolder())
  new BlockWriter(block).close()
  expect(() => new BlockReader(0).open({ folder: block, filling: 'first' })).toThrow('ENOENT')
})

it('says what is the matter with the folder', () => {
  const file = path.join(temporaryFolder(), 'file')
  fs.writeFileSync(file, '')
  expect(() => new BlockWriter(path.join(file, 'block'))).toThrow(
    expect.objectContaining({ code: expect.stringContaining('file.') as string }),
  )
})
