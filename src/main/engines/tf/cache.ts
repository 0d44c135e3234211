import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

/** Where one copy of libtensorflow and its binding lies, and what it is. */
export interface Installation {
  readonly folder: string
  /** the N-API binding; it finds libtensorflow in `../../deps/lib` of itself */
  readonly binding: string
  /** version of libtensorflow; null in a folder that does not tell */
  readonly version: string | null
  /** which entry of the list it came from */
  readonly source: 'cache' | 'folder' | 'package'
}

/** What is written beside an installation once it is whole. */
export interface Manifest {
  readonly version: string
  /** name of the source that it was fetched from */
  readonly source: string
  readonly binding: string
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha512: string }[]
}

/** Name of the manifest; a folder without it is not installed. */
export const MANIFEST = 'installed.json'

/** A folder that the user names: libtensorflow as tfjs-node lays it out (`deps/lib`, `lib/napi-v…/tfjs_binding.node`). */
export const FOLDER_VARIABLE = 'QUANTBENCH_TENSORFLOW'

/**
 * The folder for what can be fetched again: `QUANTBENCH_CACHE`, else the platform's own.
 * Source: XDG Base Directory Specification; Apple's and Microsoft's folder guidelines.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const named = env['QUANTBENCH_CACHE']
  if (named) return path.resolve(named)
  const home = os.homedir()
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'Quantbench')
  if (platform === 'win32')
    return path.join(env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'Quantbench', 'Cache')
  return path.join(env['XDG_CACHE_HOME'] ?? path.join(home, '.cache'), 'quantbench')
}

/** Folder of an installed version in the cache. */
export function installFolder(version: string, root = cacheRoot()): string {
  return path.join(root, `libtensorflow-${version}-${process.platform}-${process.arch}`)
}

/**
 * The installation to use: a folder the user names comes first, since it was chosen; then the cache, newest version first; then the
 * package itself where its install script was run by hand. Null: none. Looks at files only, loads nothing.
 */
export function findInstallation(env: NodeJS.ProcessEnv = process.env): Installation | null {
  const named = env[FOLDER_VARIABLE]
  if (named) return inFolder(path.resolve(named), 'folder')
  for (const folder of cachedFolders(cacheRoot(env))) {
    const manifest = readManifest(folder)
    if (manifest === null) continue
    const binding = path.join(folder, manifest.binding)
    return { folder, binding, version: manifest.version, source: 'cache' }
  }
  return inFolder(packageFolder(), 'package')
}

/** What was installed into a cache folder, null unless every file is there in its full size. */
export function readManifest(folder: string): Manifest | null {
  try {
    const manifest = JSON.parse(readFileSync(path.join(folder, MANIFEST), 'utf8')) as Manifest
    const whole = manifest.files.every((file) => statSync(path.join(folder, file.path)).size === file.bytes)
    return whole ? manifest : null
  } catch {
    return null // not installed, or not by us
  }
}

function cachedFolders(root: string): string[] {
  const ending = `-${process.platform}-${process.arch}`
  try {
    return readdirSync(root)
      .filter((name) => name.startsWith('libtensorflow-') && name.endsWith(ending))
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((name) => path.join(root, name))
  } catch {
    return []
  }
}

function inFolder(folder: string, source: 'folder' | 'package'): Installation | null {
  try {
    const libraries = readdirSync(path.join(folder, 'deps', 'lib'))
    const version =
      libraries.map((name) => /^libtensorflow\.(?:so\.)?(\d+\.\d+\.\d+)/.exec(name)?.[1]).find(Boolean) ?? null
    if (!libraries.some((name) => /^(?:lib)?tensorflow\./.test(name))) return null
    // the highest N-API level first; any is fine with this Node, N-API being upward compatible
    const levels = readdirSync(path.join(folder, 'lib')).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    for (const level of levels) {
      const binding = path.join(folder, 'lib', level, 'tfjs_binding.node')
      if (/^napi-v\d+$/.test(level) && statSync(binding, { throwIfNoEntry: false }))
        return { folder, binding, version, source }
    }
  } catch {
    // no such folder, or not laid out like this
  }
  return null
}

/** Folder of the installed @tensorflow/tfjs-node. */
function packageFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'))
}
