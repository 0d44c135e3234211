import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** npm answers within this time, or the address of the public registry is used. */
const NPM_MS = 30_000

/**
 * The address of a package's archive, as the configured npm client tells it: its registry, its proxies.
 * @returns null where npm is missing or does not know the package
 */
export async function tarballUrl(spec: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { stdout } = await run('npm', ['view', spec, 'dist.tarball'], { ...quiet(signal), timeout: NPM_MS })
    const url = stdout.trim()
    return /^https?:\/\/\S+$/.test(url) ? url : null
  } catch {
    signal.throwIfAborted()
    return null
  }
}

/**
 * Fetches a package's archive into `folder` with the npm client, which has the user's proxy and credentials; no progress, not resumable.
 * @returns the file's name in `folder`
 */
export async function packInto(spec: string, folder: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder, spec], quiet(signal))
  return stdout.trim().split('\n').at(-1)!.trim()
}

/** npm.cmd is a batch file, which only a shell starts; the arguments are ours. */
const quiet = (signal: AbortSignal) => ({ signal, shell: process.platform === 'win32', windowsHide: true })
