import { spawn } from 'node:child_process'
import { enableCompileCache } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { electronBinary } from '../src/main/hosts/look-for-electron.ts'
import { ensureBuilt } from './build.ts'

// `npm start`: the desktop application where Electron's binary is here, else the same window in a browser. What stands behind `--` goes
// to it: `npm start -- --home DIR`, `npm start -- --no-open`.

// what was compiled at the last start need not be again
enableCompileCache(path.resolve(import.meta.dirname, '../node_modules/.cache/quantbench-v8'))
const out = ensureBuilt()
const args = process.argv.slice(2)
const electron = electronBinary()
if (electron !== null && !args.includes('--no-open')) {
  const child = spawn(electron, [path.join(out, 'main', 'index.js'), ...args], { stdio: 'inherit' })
  child.on('exit', (code) => (process.exitCode = code ?? 1))
} else {
  if (electron === null) console.error('Electron’s binary is not here: the window opens in a browser.')
  process.argv.splice(2, Infinity, 'serve', ...args)
  await import(pathToFileURL(path.join(out, 'main', 'cli.js')).href)
}
