import fs from 'node:fs'
import path from 'node:path'

/**
 * A file of the product's `resources` folder, found upward from this module: beside `src` in a checkout, beside `out` when built. In an
 * installed application that is a real file beside the archive, which the runtime's native code can open too.
 * @throws Error when it is missing: the installation is broken
 */
export function resourcePath(name: string): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'resources', name)
    if (fs.existsSync(candidate)) return outsideArchive(candidate)
    if (path.dirname(folder) === folder) throw new Error(`resources/${name} is missing from this installation`)
  }
}

/** The real file of one that electron-builder has unpacked beside its archive (`asarUnpack`); any other path as it is. */
export function outsideArchive(file: string): string {
  return file.replace(/([/\\]app\.asar)([/\\])/, '$1.unpacked$2')
}
