import { basename, dirname } from 'node:path'

/** What a model is called in lists and titles: its file, or the folder of one whose file is always called model.json. */
export function modelName(path: string): string {
  const file = basename(path)
  const folder = basename(dirname(path))
  return file === 'model.json' && folder !== '' && folder !== '.' ? folder : file
}
