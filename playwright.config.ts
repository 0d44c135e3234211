import { defineConfig } from '@playwright/test'
import { findChromium } from './scripts/chromium.ts'

// End to end: a host on a fresh store and the window on it, in Debian's Chromium, or in Electron where its binary is (QUANTBENCH_SHELL).
// Sandboxes need rights that containers and root do not have; only tests start Chromium without.
export default defineConfig({
  testDir: 'test/e2e',
  // emptied before each run: the pictures that specs take, and the trace of what failed
  outputDir: `test-results/${process.env['QUANTBENCH_SHELL'] ?? 'browser'}`,
  timeout: 300_000,
  expect: { timeout: 30_000 },
  fullyParallel: false,
  workers: 2,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: process.env['QUANTBENCH_E2E_REPORT']
    ? [['list'], ['json', { outputFile: process.env['QUANTBENCH_E2E_REPORT'] }]]
    : 'list',
  globalSetup: './test/e2e/build.ts',
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: { executablePath: findChromium() ?? undefined, args: ['--no-sandbox'] },
  },
})
