import fs from 'node:fs'
import path from 'node:path'
import { Fault } from '../../shared/contract/fault.ts'

/** The part of the file system that a window may reach through its host. */
export interface Workspace {
  readonly roots: readonly string[]
  /** The path itself, absolute. @throws Fault file.outsideWorkspace */
  allow(file: string): string
}

/** Everything the user may reach: for the desktop, whose dialogs and drops give real paths. */
export function wholeMachine(roots: readonly string[]): Workspace {
  return { roots, allow: (file) => path.resolve(file) }
}

/**
 * Only what lies inside some folders, links followed: a link that leads out of them is outside.
 * @param roots folders; those that do not exist are left out
 */
export function insideOf(roots: readonly string[]): Workspace {
  const real = roots.flatMap((root) => {
    const found = realPath(path.resolve(root))
    return fs.existsSync(found) ? [found] : []
  })
  return {
    roots: [...new Set(real)],
    allow: (file) => {
      const wanted = path.resolve(file)
      const found = realPath(wanted)
      if (real.some((root) => isInside(found, root))) return wanted
      throw new Fault(
        'file.outsideWorkspace',
        `${wanted} lies outside the folders this window may reach (${real.join(', ')}): start the host with --root FOLDER to add one.`,
        { path: wanted },
      )
    },
  }
}

function isInside(file: string, root: string): boolean {
  const relative = path.relative(root, file)
  return relative === '' || (!relative.startsWith(`..${path.sep}`) && relative !== '..' && !path.isAbsolute(relative))
}

/** The path with all links followed, as far as it exists: what does not exist yet keeps its name. */
function realPath(file: string): string {
  try {
    return fs.realpathSync(file)
  } catch {
    const parent = path.dirname(file)
    return parent === file ? file : path.join(realPath(parent), path.basename(file))
  }
}
