import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../../shared/contract/fault.ts'
import { translate } from './database.ts'
import { hasEnded, OWNER_PATTERN, ownProcess } from './owner.ts'

export interface StoredBlob {
  readonly sha256: string
  readonly bytes: number
}

/** Where files are written before they get their names; the owner stands first in theirs. */
const INCOMING = 'incoming'
const INCOMING_NAME = new RegExp(`^(${OWNER_PATTERN})\\.`)

/** Files by content under `home/artifacts/ab/cdef…`; the same content is kept once. Writes are atomic. */
export class ArtifactStore {
  readonly #root: string

  constructor(home: string) {
    this.#root = path.join(home, 'artifacts')
  }

  /** Clears what processes that were killed had half written. */
  sweep(): void {
    const folder = path.join(this.#root, INCOMING)
    if (!fs.existsSync(folder)) return
    for (const name of fs.readdirSync(folder)) {
      const owner = INCOMING_NAME.exec(name)?.[1]
      if (owner !== undefined && hasEnded(owner) === true) fs.rmSync(path.join(folder, name), { force: true })
    }
  }

  /** Where the content lies, whether or not it is there. */
  pathOf(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`not a SHA-256: ${sha256}`)
    return path.join(this.#root, sha256.slice(0, 2), sha256.slice(2))
  }

  has(sha256: string): boolean {
    return fs.existsSync(this.pathOf(sha256))
  }

  /** Keeps bytes. @throws Fault store.diskFull, store.unwritable */
  putBytes(bytes: Uint8Array): StoredBlob {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const target = this.pathOf(sha256)
    if (holds(target, bytes)) return { sha256, bytes: bytes.byteLength }
    this.#place(target, (temporary) => {
      const file = fs.openSync(temporary, 'wx')
      try {
        for (let done = 0; done < bytes.byteLength;) done += fs.writeSync(file, bytes, done)
        fs.fsyncSync(file)
      } finally {
        fs.closeSync(file)
      }
    })
    return { sha256, bytes: bytes.byteLength }
  }

  /** Keeps a copy of a file (a reflink where the file system can). */
  async putFile(source: string): Promise<StoredBlob> {
    const hash = createHash('sha256')
    await pipeline(fs.createReadStream(source), hash)
    const sha256 = hash.digest('hex')
    const { size } = await fs.promises.stat(source)
    const target = this.pathOf(sha256)
    if (!fs.existsSync(target)) await this.#placeCopy(target, source)
    return { sha256, bytes: size }
  }

  /**
   * Reads content back.
   * @throws Fault store.artifactMissing when it is gone from the disk
   */
  read(sha256: string): Uint8Array {
    try {
      return new Uint8Array(fs.readFileSync(this.pathOf(sha256))) // a copy: Buffer's slice() shares memory, which readers of Uint8Array do not expect
    } catch (error) {
      throw new Fault(
        'store.artifactMissing',
        `The stored file ${sha256.slice(0, 12)}… is missing from ${this.#root}. Run the command that made it again.`,
        { sha256 },
        { cause: error },
      )
    }
  }

  #temporary(): string {
    return path.join(this.#root, INCOMING, `${ownProcess()}.${randomUUID()}.tmp`)
  }

  /** Copying a model of hundreds of megabytes takes a while in which the process answers others. */
  async #placeCopy(target: string, source: string): Promise<void> {
    const temporary = this.#temporary()
    try {
      fs.mkdirSync(path.dirname(temporary), { recursive: true })
      fs.mkdirSync(path.dirname(target), { recursive: true })
      await fs.promises.copyFile(source, temporary, fs.constants.COPYFILE_FICLONE)
      fs.renameSync(temporary, target)
    } catch (error) {
      fs.rmSync(temporary, { force: true })
      throw translate(error, target)
    }
  }

  #place(target: string, write: (temporary: string) => void): void {
    const temporary = this.#temporary()
    try {
      fs.mkdirSync(path.dirname(temporary), { recursive: true })
      fs.mkdirSync(path.dirname(target), { recursive: true })
      write(temporary)
      fs.renameSync(temporary, target)
    } catch (error) {
      fs.rmSync(temporary, { force: true })
      throw translate(error, target)
    }
  }
}

/** Whether a file holds these very bytes; one that a failing disk has damaged is written anew. */
function holds(file: string, bytes: Uint8Array): boolean {
  try {
    return fs.statSync(file).size === bytes.byteLength && fs.readFileSync(file).equals(bytes)
  } catch {
    return false
  }
}
