import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { Fault } from '../../../shared/contract/fault.ts'
import { asFileFault } from '../../jobs/file-fault.ts'

export interface UploadOptions {
  /** folder that dropped files go to */
  readonly folder: string
  /** most bytes of one file */
  readonly limit: number
}

/** What a dropped file is called: files of one drop lie in one folder, so that a model finds the data beside it. */
export interface UploadName {
  readonly drop: string
  /** with the folders of a dropped folder before it, slashes between */
  readonly name: string
}

/** A fault that is also an answer's status. */
export class UploadFault extends Fault {
  readonly status: number

  constructor(status: number, code: `file.${string}`, message: string) {
    super(code, message)
    this.status = status
  }
}

/**
 * Streams a dropped file to the disk: whole or not at all.
 * @returns its path
 * @throws UploadFault; Fault file.*
 */
export async function receiveUpload(
  request: IncomingMessage,
  named: UploadName,
  options: UploadOptions,
): Promise<string> {
  const target = targetOf(named, options.folder)
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > options.limit) throw tooLarge(named.name, options.limit)
  const temporary = `${target}.${randomUUID()}.tmp`
  try {
    await mkdir(path.dirname(target), { recursive: true })
    const file = await open(temporary, 'wx')
    try {
      let bytes = 0
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.byteLength
        if (bytes > options.limit) throw tooLarge(named.name, options.limit)
        await file.writeFile(chunk)
      }
      if (!request.complete)
        throw new UploadFault(400, 'file.cutOff', `${named.name} did not arrive whole: drop it again.`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    return target
  } catch (error) {
    await rm(temporary, { force: true })
    throw error instanceof Fault ? error : asFileFault(error, target, 'write')
  }
}

/** Removes what a host that was killed left half-received; no other host writes into the same store. */
export async function sweepUploads(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  for (const name of names) if (name.endsWith('.tmp')) await rm(path.join(folder, name), { force: true })
}

function tooLarge(name: string, limit: number): UploadFault {
  return new UploadFault(
    413,
    'file.tooLarge',
    `${name} is larger than the ${(limit / 2 ** 30).toFixed(1)} GiB that can be dropped: open it from a folder of the machine that the host runs on.`,
  )
}

/** @throws UploadFault for names that would lead out of the folder */
function targetOf({ drop, name }: UploadName, folder: string): string {
  const parts = name.split('/')
  const isPlain = (part: string): boolean =>
    part !== '' && !part.startsWith('.') && !/[\\\0:]/.test(part) && part.length <= 255
  if (!/^[\w-]{1,64}$/.test(drop) || parts.length > 16 || !parts.every(isPlain))
    throw new UploadFault(400, 'file.badName', `"${name}" is not a name that a dropped file can have.`)
  return path.join(folder, drop, ...parts)
}
