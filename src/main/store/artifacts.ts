import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../../shared/contract/fault.ts'
import { translate } from './database.ts'

export interface StoredBlob {
  readonly sha256: string
  readonly bytes: number
}

/** Files by content under `home/artifacts/ab/cdef…`; the same content is kept once. Writes are atomic. */
export class ArtifactStore {
  readonly #root: string

  constructor(home: string) {
    this.#root = path.join(home, 'artifacts')
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
    if (fs.existsSync(target)) return { sha256, bytes: bytes.byteLength }
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
    if (!fs.existsSync(target)) {
      this.#place(target, (temporary) => fs.copyFileSync(source, temporary, fs.constants.COPYFILE_FICLONE))
    }
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

  #place(target: string, write: (temporary: string) => void): void {
    const temporary = `${target}.${randomUUID()}.tmp`
    try {
      fs.mkdirSync(path.dirname(target), { recursive: true })
      write(temporary)
      fs.renameSync(temporary, target)
    } catch (error) {
      fs.rmSync(temporary, { force: true })
      throw translate(error, target)
    }
  }
}
