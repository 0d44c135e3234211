import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { DoctorFinding } from '../../shared/contract/api/app.ts'

/** Path of Electron's binary, null where it was never fetched or the package is not installed. */
export function electronBinary(): string | null {
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'))
    const binary = path.join(folder, 'dist', fs.readFileSync(path.join(folder, 'path.txt'), 'utf8').trim())
    return fs.existsSync(binary) ? binary : null
  } catch {
    return null // not installed, or its binary was never fetched: both mean the same to the user
  }
}

/** Electron fetches its binary on demand; until then the window is shown in a browser. */
export function lookForElectron(): DoctorFinding {
  const binary = electronBinary()
  if (binary !== null) return { subject: 'desktop', state: 'ok', detail: `Electron at ${binary}.` }
  const detail = 'Electron’s binary is not here; the window opens in a browser, and the command line works without it.'
  return { subject: 'desktop', state: 'warning', detail }
}
