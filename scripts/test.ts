import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { electronBinary } from '../src/main/hosts/look-for-electron.ts'
import { requireChromium } from './chromium.ts'

// The whole test command: formatting, lint, types, unused code, build, then every test project. Ends with `N passed, N failed`.
// It goes on after a failure, so that one run shows everything that is wrong.

interface Step {
  readonly name: string
  readonly args: readonly string[]
}

const bin = (name: string): string => path.join('node_modules', '.bin', name)
const CHECKS: readonly Step[] = [
  { name: 'format', args: [bin('prettier'), '--check', 'src', 'test', 'scripts', 'lint', '*.js', '*.ts'] },
  { name: 'lint', args: [bin('eslint'), '.', '--max-warnings', '0'] },
  { name: 'types (node)', args: [bin('vue-tsc'), '--noEmit', '-p', 'tsconfig.node.json'] },
  { name: 'types (web)', args: [bin('vue-tsc'), '--noEmit', '-p', 'tsconfig.web.json'] },
  { name: 'types (window)', args: [bin('vue-tsc'), '--noEmit', '-p', 'tsconfig.window.json'] },
  { name: 'types (end to end)', args: [bin('vue-tsc'), '--noEmit', '-p', 'tsconfig.e2e.json'] },
  { name: 'unused', args: [bin('knip')] },
  { name: 'build', args: ['scripts/build-once.ts'] },
]

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): boolean {
  const { status } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
  return status === 0
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly success: boolean
}

let passed = 0
let failed = 0
let skipped = 0
for (const step of CHECKS) {
  console.log(`\n── ${step.name}`)
  if (run(step.args)) passed++
  else {
    failed++
    console.error(`${step.name} failed`)
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quantbench-report-'))
const reportFile = path.join(folder, 'report.json')
console.log('\n── tests')
const ok = run([bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`])
if (fs.existsSync(reportFile)) {
  const report = JSON.parse(fs.readFileSync(reportFile, 'utf8')) as Report
  passed += report.numPassedTests
  failed += report.numFailedTests
  skipped += report.numPendingTests
  if (!ok && report.numFailedTests === 0) failed++ // a file that did not load, or an error outside any test
} else {
  failed++
}

/** What Playwright counts, of its JSON report. */
interface EndToEndReport {
  readonly stats: {
    readonly expected: number
    readonly unexpected: number
    readonly flaky: number
    readonly skipped: number
  }
}

/** The window end to end, in Chromium, and in Electron where its binary is. */
function runEndToEnd(shell: 'browser' | 'electron'): void {
  console.log(`\n── end to end (${shell})`)
  const file = path.join(folder, `e2e-${shell}.json`)
  const done = run([bin('playwright'), 'test'], { QUANTBENCH_E2E_REPORT: file, QUANTBENCH_SHELL: shell })
  if (!fs.existsSync(file)) {
    failed++
    return
  }
  const { stats } = JSON.parse(fs.readFileSync(file, 'utf8')) as EndToEndReport
  passed += stats.expected + stats.flaky
  failed += stats.unexpected
  skipped += stats.skipped
  if (!done && stats.unexpected === 0) failed++
}

const chromium = requireChromium()
if ('reason' in chromium) {
  skipped++
  console.log(`\n── end to end: skipped, ${chromium.reason}`)
} else runEndToEnd('browser')
if (electronBinary() !== null) runEndToEnd('electron')

fs.rmSync(folder, { recursive: true, force: true })
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0
