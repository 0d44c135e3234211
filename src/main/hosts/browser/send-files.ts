import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Download } from '../application.ts'
import { zipLength, zipOf } from './zip.ts'

/** Sends one file as it is, several as a zip archive. @throws what `stat` throws where one is gone */
export async function sendFiles(response: ServerResponse, { fileName, files }: Download): Promise<void> {
  const entries = await Promise.all(
    files.map(async ({ path, fileName: name }) => ({ path, name, size: (await stat(path)).size })),
  )
  const [first, ...others] = entries
  const isOne = first !== undefined && others.length === 0
  response.writeHead(200, {
    'Content-Type': isOne ? 'application/octet-stream' : 'application/zip',
    'Content-Length': isOne ? first.size : zipLength(entries),
    'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`,
    'Cache-Control': 'no-store',
  })
  await pipeline(isOne ? createReadStream(first.path) : zipOf(entries), response)
}
