import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Feeds } from '../../../../src/main/engines/port.ts'
import { BlockReader, BlockWriter, readBlockIndex } from '../../../../src/main/jobs/tasks/frontier-block.ts'
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
  { why: 'all in memory', budget: 1000, kept: 96 },
  { why: 'the last file in memory', budget: 40, kept: 32 },
  { why: 'nothing in memory: the tensor alone is read', budget: 31, kept: 0 },
])('gives back what was written, $why', ({ budget, kept }) => {
  const block = blockIn(temporaryFolder())
  const reader = new BlockReader(budget)
  const { batches, classOutput } = readBlockIndex(block)
  expect(classOutput).toBe('c')
  for (let round = 0; round < 2; round++) {
    for (const [i, { samples, tensors, reference }] of batches.entries()) {
      expect(samples).toEqual([SAMPLE])
      expect(reader.read(block, tensors['a']!)).toEqual(feeds(i)['a'])
      expect(reader.read(block, tensors['b']!)).toEqual(feeds(i)['b'])
      expect(reader.read(block, reference['c']!).data).toEqual(new Float32Array(4).fill(i))
      expect(reader.bytes).toBeLessThanOrEqual(budget)
    }
  }
  expect(reader.bytes).toBe(kept)
})

it('takes the place of what a worker that died has left', () => {
  const folder = temporaryFolder()
  const block = path.join(folder, 'block')
  fs.mkdirSync(block)
  fs.writeFileSync(path.join(block, '9.bin'), 'half')
  blockIn(folder)
  expect(fs.readdirSync(block).sort()).toEqual(['0.bin', '1.bin', '2.bin', 'index.json'])
})

it('says what is the matter with the folder', () => {
  const file = path.join(temporaryFolder(), 'file')
  fs.writeFileSync(file, '')
  expect(() => new BlockWriter(path.join(file, 'block'))).toThrow(
    expect.objectContaining({ code: expect.stringContaining('file.') as string }),
  )
})
