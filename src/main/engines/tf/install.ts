import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { Fault, isFault } from '../../../shared/contract/fault.ts'
import type { OnLog, OnProgress } from '../../../shared/contract/progress.ts'
import {
  cacheRoot,
  findInstallation,
  FOLDER_VARIABLE,
  installFolder,
  MANIFEST,
  type Installation,
  type Manifest,
} from './cache.ts'
import { checkDigest, digestOf, download } from './download.ts'
import { withInstallLock } from './lock.ts'
import { packInto, tarballUrl } from './npm.ts'
import { sourcesFor, type Archive, type Source, type Wanted } from './sources.ts'
import { readTar, safeMemberPath } from './tar.ts'

export interface InstallContext {
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
  readonly onLog: OnLog
}

export interface InstallOptions {
  /** where to look, in order; the list for this platform unless told */
  readonly sources?: readonly Source[]
  /** folder of the cache */
  readonly root?: string
}

/**
 * The installation to train with, fetched first where there is none: the list is tried in order, each archive verified, unpacked beside
 * its place and moved there whole. Safe to call from several processes at a time: one fetches, the others wait.
 * @throws Fault engine.notInstalled where no source can be reached, or none exists for this platform
 */
export async function installTensorFlow(context: InstallContext, options: InstallOptions = {}): Promise<Installation> {
  const root = options.root ?? cacheRoot()
  const env = { ...process.env, QUANTBENCH_CACHE: root }
  const found = findInstallation(env)
  if (found) return found
  if (process.env[FOLDER_VARIABLE]) throw emptyFolder(process.env[FOLDER_VARIABLE])
  const sources = options.sources ?? sourcesFor(process.platform, process.arch)
  await mkdir(root, { recursive: true })
  return withInstallLock(root, context.signal, async () => {
    const meanwhile = findInstallation(env)
    if (meanwhile) return meanwhile
    const problems: string[] = []
    for (const source of sources) {
      try {
        return await installFrom(source, root, context)
      } catch (error) {
        context.signal.throwIfAborted()
        if (!isFault(error)) throw error
        problems.push(sentence(`${source.name}: ${error.message}`))
        context.onLog('warning', `${source.name} cannot be used: ${error.message}`)
      }
    }
    throw notInstalled(problems)
  })
}

/** With a capital: it stands among others. */
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function emptyFolder(folder: string): Fault {
  return new Fault(
    'engine.notInstalled',
    `${FOLDER_VARIABLE} names ${folder}, which holds no deps/lib with libtensorflow and no lib/napi-v8/tfjs_binding.node. Correct it, or unset it to have libtensorflow fetched.`,
    { folder },
  )
}

function notInstalled(problems: readonly string[]): Fault {
  const hint = `name a folder that holds deps/lib and lib/napi-v8/tfjs_binding.node with ${FOLDER_VARIABLE}`
  if (problems.length === 0) {
    return new Fault(
      'engine.notInstalled',
      `There is no libtensorflow to fetch for ${process.platform}-${process.arch}; to train here, ${hint}.`,
      { platform: process.platform, arch: process.arch },
    )
  }
  return new Fault(
    'engine.notInstalled',
    `Training needs libtensorflow, and no source gave it. ${problems.join(' ')} Connect to the network and run 'quantbench doctor --install-tensorflow', or ${hint}.`,
    { problems },
  )
}

async function installFrom(source: Source, root: string, context: InstallContext): Promise<Installation> {
  const downloads = path.join(root, 'downloads')
  await mkdir(downloads, { recursive: true })
  const folder = installFolder(source.version, root)
  const staging = await mkdtemp(path.join(root, 'unpacking-'))
  const fetched: string[] = []
  try {
    const files: Manifest['files'][number][] = []
    for (const archive of source.archives) {
      const file = await fetchArchive(source, archive, downloads, context)
      fetched.push(file)
      files.push(...(await unpack(archive, file, staging, context)))
    }
    for (const [alias, target] of Object.entries(source.aliases)) await link(staging, alias, target)
    const manifest: Manifest = { version: source.version, source: source.name, binding: source.binding, files }
    await writeFile(path.join(staging, MANIFEST), JSON.stringify(manifest, null, 2))
    await rm(folder, { recursive: true, force: true }) // not whole, else it had been found
    await rename(staging, folder)
    await Promise.all(fetched.map((file) => rm(file, { force: true })))
    return { folder, binding: path.join(folder, source.binding), version: source.version, source: 'cache' }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** Gives the path of a whole, verified archive. */
async function fetchArchive(
  source: Source,
  archive: Archive,
  downloads: string,
  context: InstallContext,
): Promise<string> {
  const stage = `fetching libtensorflow ${source.version}`
  const options = { ...context, digest: archive.digest, stage }
  const url = archive.url ?? (source.npmPackage && (await tarballUrl(source.npmPackage, context.signal)))
  const name = url === null ? `${source.npmPackage ?? source.name}.tgz` : path.basename(new URL(url).pathname)
  const target = path.join(downloads, name)
  try {
    if (url === null) throw noAnswer(name)
    await download(url, target, options)
  } catch (error) {
    context.signal.throwIfAborted()
    if (source.npmPackage === null || !isFault(error) || error.code !== 'file.downloadFailed') throw error
    // a registry that wants credentials or a proxy answers only to npm itself
    context.onProgress({ stage, done: 0, total: null, unit: 'bytes', note: 'by npm pack' })
    const packed = await packInto(source.npmPackage, downloads, context.signal).catch(() => null)
    if (packed === null) throw error
    if (path.join(downloads, packed) !== target) await rename(path.join(downloads, packed), target)
    await checkDigest(target, archive.digest)
  }
  return target
}

function noAnswer(file: string): Fault {
  return new Fault(
    'file.downloadFailed',
    `${file} could not be fetched: npm does not say where it lies. Check the network and npm's configuration, and try again.`,
    { file },
  )
}

/** Writes the wanted members of an archive under `folder` and checks each. */
async function unpack(
  archive: Archive,
  file: string,
  folder: string,
  context: InstallContext,
): Promise<Manifest['files']> {
  const name = path.basename(file)
  const files: Manifest['files'][number][] = []
  const outer = createReadStream(file).pipe(createGunzip())
  try {
    if (archive.nested === null) await take(outer)
    else await takeNested(archive.nested)
  } catch (error) {
    context.signal.throwIfAborted()
    throw isFault(error) ? error : damaged(name, error)
  } finally {
    outer.destroy()
  }
  const missing = archive.wanted.length - files.length
  if (missing > 0)
    throw new Fault('file.invalidArchive', `The archive ${name} lacks ${missing} of the files wanted.`, { file: name })
  return files

  async function takeNested(nested: RegExp): Promise<void> {
    for await (const entry of readTar(outer, name)) {
      safeMemberPath(folder, entry.name, name)
      if (entry.type !== 'file' || !nested.test(entry.name)) continue
      await take(Readable.from(entry.data).pipe(createBrotliDecompress()))
      return
    }
  }

  async function take(source: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const entry of readTar(source, name)) {
      context.signal.throwIfAborted()
      safeMemberPath(folder, entry.name, name)
      const wanted = entry.type === 'file' ? archive.wanted.find(({ member }) => member.test(entry.name)) : undefined
      if (wanted === undefined) continue
      files.push(await writeMember(wanted, entry, folder, name, context))
      if (files.length === archive.wanted.length) return
    }
  }
}

async function writeMember(
  wanted: Wanted,
  entry: { readonly name: string; readonly size: number; readonly data: AsyncIterable<Uint8Array> },
  folder: string,
  archive: string,
  context: InstallContext,
): Promise<Manifest['files'][number]> {
  const relative = wanted.target.replace('$1', () => wanted.member.exec(entry.name)?.[1] ?? '')
  const target = safeMemberPath(folder, relative, archive)
  await mkdir(path.dirname(target), { recursive: true })
  let done = 0
  const stage = `unpacking ${path.basename(target)}`
  await pipeline(
    entry.data,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        done += chunk.length
        context.onProgress({ stage, done, total: entry.size, unit: 'bytes' })
        yield chunk
      }
    },
    createWriteStream(target, { mode: 0o755 }),
    { signal: context.signal },
  )
  await chmod(target, 0o755)
  const digest = wanted.sha512 === null ? null : { algorithm: 'sha512' as const, value: wanted.sha512 }
  await checkDigest(target, digest)
  return {
    path: relative,
    bytes: (await stat(target)).size,
    sha512: wanted.sha512 ?? (await digestOf(target, 'sha512')),
  }
}

/** Libraries ask for each other by shorter names; where links are not allowed, a copy does. */
async function link(folder: string, alias: string, target: string): Promise<void> {
  const from = path.join(folder, alias)
  const to = path.join(folder, target)
  try {
    await symlink(path.relative(path.dirname(from), to), from)
  } catch {
    await copyFile(to, from)
  }
}

function damaged(file: string, cause: unknown): Fault {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new Fault('file.invalidArchive', `The archive ${file} cannot be unpacked: ${why}.`, { file }, { cause })
}
