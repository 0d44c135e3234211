import { mkdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { assertWritable } from '../atomic-file.ts'
import { asFileFault } from '../file-fault.ts'

/** The three files of a sweep. */
export interface SweepFiles {
  readonly json: string
  readonly csv: string
  readonly svg: string
}

/** Where a sweep's files go when nobody says. */
export const DEFAULT_FOLDER = 'sweep-output'

/**
 * Names the files of a sweep, and refuses paths that cannot be written before long work starts. `output` is a folder (one that is there,
 * or a name with a slash at its end) for `MODEL.json`, `.csv` and `.svg`, else what their names have before the dot.
 * @param output null: a folder of our own here, in which an earlier sweep of the model is replaced
 * @throws Fault file.exists, file.notWritable, file.folderMissing
 */
export async function sweepFiles(output: string | null, model: string, force: boolean): Promise<SweepFiles> {
  const base = resolve(await baseOf(output, model))
  const files = { json: `${base}.json`, csv: `${base}.csv`, svg: `${base}.svg` }
  for (const path of Object.values(files)) await assertWritable(path, { force: force || output === null })
  return files
}

async function baseOf(output: string | null, model: string): Promise<string> {
  const stem = basename(model, extname(model))
  const asked = output ?? `${DEFAULT_FOLDER}/`
  if (/[/\\]$/.test(asked)) {
    await mkdir(asked, { recursive: true }).catch((error: unknown) => {
      throw asFileFault(error, asked, 'write')
    })
    return join(asked, stem)
  }
  const isFolder = await stat(asked).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isFolder) return join(asked, stem)
  const extension = extname(asked)
  return ['.json', '.csv', '.svg'].includes(extension) ? join(dirname(asked), basename(asked, extension)) : asked
}
