import fs from 'node:fs'
import path from 'node:path'

/**
 * A file of the product's `resources` folder, found upward from this module: beside `src` in a checkout, beside `out` when built.
 * @throws Error when it is missing: the installation is broken
 */
export function resourcePath(name: string): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'resources', name)
    if (fs.existsSync(candidate)) return candidate
    if (path.dirname(folder) === folder) throw new Error(`resources/${name} is missing from this installation`)
  }
}
