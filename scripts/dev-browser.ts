import { parseArgs } from 'node:util'
import vue from '@vitejs/plugin-vue'
import { createServer } from 'vite'
import { startBrowserHost } from '../src/main/hosts/browser/host.ts'
import { defaultHome } from '../src/main/hosts/cli/home.ts'

// The browser host from source, its pages from Vite with hot reload on the same port and behind the same gate. The port is fixed, so
// that a window finds the host again when it is started anew; its link is then printed anew too.

const PORT = 5273

const { values } = parseArgs({
  options: { home: { type: 'string' }, port: { type: 'string' }, root: { type: 'string', multiple: true } },
})
const host = await startBrowserHost({
  home: values.home ?? defaultHome(),
  port: Number(values.port ?? PORT),
  roots: values.root,
  pages: async (server) => {
    const vite = await createServer({
      root: 'src/renderer',
      configFile: false,
      plugins: [vue()],
      appType: 'spa',
      server: { middlewareMode: true, hmr: { server } },
    })
    return (request, response) => vite.middlewares(request, response)
  },
})
console.log(`Quantbench (development) is at ${host.newLink()}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void host.close().finally(() => process.exit(0)))
