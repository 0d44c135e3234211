import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge']

/** The Chromium that end-to-end tests drive: the one CHROMIUM names, else one on the path. Null where there is none. */
export function findChromium(): string | null {
  const named = process.env['CHROMIUM']
  if (named !== undefined) return named
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return (
    NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => fs.existsSync(file)) ??
    null
  )
}

/**
 * The same, after installing Debian's package where that is possible: as root, with apt-get.
 * @returns its path, or a sentence: why there is none
 */
export function requireChromium(): { readonly path: string } | { readonly reason: string } {
  const found = findChromium()
  if (found !== null) return { path: found }
  const isRoot = process.getuid?.() === 0
  if (!isRoot || !fs.existsSync('/usr/bin/apt-get'))
    return { reason: 'no Chromium is installed: install the package "chromium", or name a browser in CHROMIUM' }
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
      .status === 0
  console.log('installing Debian’s chromium')
  const installed =
    (apt('update') && apt('install', '-y', '--no-install-recommends', 'chromium')) || findChromium() !== null
  const binary = findChromium()
  return installed && binary !== null
    ? { path: binary }
    : { reason: 'apt-get could not install the package "chromium"' }
}
