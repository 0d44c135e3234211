import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'

// One build for both hosts: main holds the Electron shell, the CLI and the worker child; native packages stay outside the bundle.
const outDir = process.env['QUANTBENCH_OUT'] ?? 'out'

export default defineConfig({
  main: {
    build: {
      outDir: `${outDir}/main`,
      target: 'node22',
      minify: false,
      sourcemap: true,
      rollupOptions: {
        input: {
          index: 'src/main/hosts/electron/index.ts',
          cli: 'src/main/hosts/cli/index.ts',
          worker: 'src/main/hosts/worker/entry.ts',
          reader: 'src/main/jobs/tasks/training/reader-thread.ts',
        },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  },
  preload: {
    build: {
      outDir: `${outDir}/preload`,
      rollupOptions: {
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    build: {
      outDir: `${outDir}/renderer`,
      rollupOptions: { input: { index: 'src/renderer/index.html' } },
    },
    plugins: [vue()],
  },
})
