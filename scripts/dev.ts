import { spawn } from 'node:child_process'
import path from 'node:path'
import { electronBinary } from '../src/main/hosts/look-for-electron.ts'

// `npm run dev`: the window with hot reload, in Electron where its binary is here, else in a browser (also with `-- --browser`). The
// browser host runs from source and is started anew when the main side changes; the window connects to it again by itself.

const args = process.argv.slice(2)
const root = path.resolve(import.meta.dirname, '..')
const inBrowser = args.includes('--browser') || electronBinary() === null
const command = inBrowser
  ? ['--watch-path=src/main', '--watch-path=src/shared', '--watch-preserve-output', 'scripts/dev-browser.ts']
  : [path.join('node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'dev']
const child = spawn(process.execPath, [...command, ...args.filter((argument) => argument !== '--browser')], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => (process.exitCode = code ?? 0))
