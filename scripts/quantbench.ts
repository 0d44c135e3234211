import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { ensureBuilt } from './build.ts'

// `npm run -s quantbench -- …`: the built command line, after building what is missing or stale.
const out = ensureBuilt()
await import(pathToFileURL(path.join(out, 'main', 'cli.js')).href)
