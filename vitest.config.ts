import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    pool: 'forks',
    // machines are shared, and now and then ten times as slow as usual: what hangs still ends
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { extends: true, test: { name: 'native', include: ['test/native/**/*.test.ts'] } },
      { extends: true, test: { name: 'rpc', include: ['test/rpc/**/*.test.ts'] } },
    ],
  },
})
