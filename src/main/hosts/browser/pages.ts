import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
}

/**
 * The renderer's built files, and nothing else of the disk.
 * @param root folder of the built renderer
 * @returns false where there is no such file
 */
export async function servePage(root: string, urlPath: string, response: ServerResponse): Promise<boolean> {
  const file = fileFor(root, urlPath)
  if (file === null) return false
  const found = await stat(file).catch(() => null)
  if (!found?.isFile()) return false
  const isHashed = path.dirname(file) !== root
  response.writeHead(200, {
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'Content-Length': found.size,
    // built names carry a hash of their content; the page itself is asked for anew
    'Cache-Control': isHashed ? 'max-age=31536000, immutable' : 'no-store',
  })
  await pipeline(createReadStream(file), response)
  return true
}

/** The file a path of a URL means, or null where it would lead out of the folder. */
export function fileFor(root: string, urlPath: string): string | null {
  let decoded: string
  try {
    decoded = decodeURIComponent(urlPath)
  } catch {
    return null
  }
  if (decoded.includes('\0') || decoded.includes('\\')) return null
  const file = path.resolve(root, `.${decoded === '/' ? '/index.html' : decoded}`)
  return file.startsWith(root + path.sep) ? file : null
}
