import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import type { SessionBook } from './gate.ts'

const NAME = 'windows.json'
/** A window that was let in is known for so long. */
const KNOWN_MS = 7 * 24 * 3600_000
/** Windows that are known at a time; the oldest is forgotten first. */
const MOST = 64

const content = z.array(z.object({ digest: z.string().regex(/^[0-9a-f]{64}$/), at: z.number() })).max(10 * MOST)

/** The windows of a store's hosts, in a file that only its user can read. Digests only: who reads it cannot enter with it. */
export function openSessionBook(home: string): SessionBook {
  const file = path.join(home, NAME)
  let known = read(file)
  return {
    has: (digest) => known.some((one) => one.digest === digest && one.at > Date.now() - KNOWN_MS),
    add: (digest) => {
      known = [...known.filter(({ at }) => at > Date.now() - KNOWN_MS), { digest, at: Date.now() }].slice(-MOST)
      write(file, JSON.stringify(known))
    },
  }
}

function read(file: string): z.infer<typeof content> {
  try {
    return content.parse(JSON.parse(fs.readFileSync(file, 'utf8')))
  } catch {
    return [] // none yet, or damaged: windows enter with a new link
  }
}

function write(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  fs.writeFileSync(temporary, text, { mode: 0o600 })
  fs.renameSync(temporary, file)
}
