import os from 'node:os'
import path from 'node:path'

/**
 * Where the store lives when `--home` does not say: `QUANTBENCH_HOME`, else the platform's folder for application data.
 * Source: XDG Base Directory Specification; Apple's and Microsoft's folder guidelines.
 */
export function defaultHome(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  const named = env['QUANTBENCH_HOME']
  if (named) return path.resolve(named)
  const user = os.homedir()
  if (platform === 'darwin') return path.join(user, 'Library', 'Application Support', 'Quantbench')
  if (platform === 'win32') return path.join(env['LOCALAPPDATA'] ?? path.join(user, 'AppData', 'Local'), 'Quantbench')
  return path.join(env['XDG_DATA_HOME'] ?? path.join(user, '.local', 'share'), 'quantbench')
}
