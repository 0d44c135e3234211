import fs from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { openPromise } from 'yauzl'
import { expect, it } from 'vitest'
import { zipLength, zipOf, type ZipEntry } from '../../../../src/main/hosts/browser/zip.ts'
import { temporaryFolder } from '../../../builders/temporary.ts'

function entriesOf(files: Readonly<Record<string, string>>): { folder: string; entries: ZipEntry[] } {
  const folder = temporaryFolder()
  const entries = Object.entries(files).map(([name, content], i) => {
    const file = path.join(folder, `${i}`)
    fs.writeFileSync(file, content)
    return { path: file, name, size: Buffer.byteLength(content) }
  })
  return { folder, entries }
}

async function archiveOf(entries: readonly ZipEntry[]): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of zipOf(entries)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

it('another reader finds every file again, with its name, bytes and checksum', async () => {
  const files = { 'model.onnx': 'graph', 'a folder/weights – ü.bin': 'x'.repeat(200_000), empty: '' }
  const { folder, entries } = entriesOf(files)
  const archive = path.join(folder, 'out.zip')
  const bytes = await archiveOf(entries)
  expect(bytes.length).toBe(zipLength(entries))
  fs.writeFileSync(archive, bytes)
  const zip = await openPromise(archive)
  const found: Record<string, string> = {}
  for await (const entry of zip.eachEntry()) found[entry.fileName] = await text(await zip.openReadStreamPromise(entry))
  expect(found).toEqual(files)
})

it('promises what it holds, though a file grew since it was looked at', async () => {
  const { entries } = entriesOf({ a: 'short', b: 'next' })
  fs.appendFileSync(entries[0]!.path, ' and more')
  const bytes = await archiveOf(entries)
  expect(bytes.length).toBe(zipLength(entries))
  expect(bytes.toString('latin1')).not.toContain('and more')
})
