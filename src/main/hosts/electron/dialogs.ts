import { dialog, shell, type BrowserWindow, type FileFilter, type OpenDialogOptions } from 'electron'
import type { FileKind } from '../../../shared/contract/api/files.ts'
import type { HostDialogs } from '../application.ts'

const FILTERS: Readonly<Record<FileKind, FileFilter[]>> = {
  model: [
    { name: 'Models', extensions: ['onnx', 'json'] },
    { name: 'All files', extensions: ['*'] },
  ],
  data: [{ name: 'All files', extensions: ['*'] }],
  folder: [],
  plan: [{ name: 'Plans', extensions: ['json'] }],
  store: [{ name: 'Quantbench stores', extensions: ['db'] }],
  any: [],
}

/** Only a Mac's dialog can take a file or a folder. */
function takenBy(kind: FileKind): ('openFile' | 'openDirectory')[] {
  if (kind === 'folder' || kind === 'data' || kind === 'store') return ['openDirectory']
  return kind === 'model' && process.platform === 'darwin' ? ['openFile', 'openDirectory'] : ['openFile']
}

/** The system's dialogs, in front of the window that is used. */
export function createDialogs(current: () => BrowserWindow | null, exportsFolder: () => string): HostDialogs {
  return {
    pick: async (kind, title) => {
      const options: OpenDialogOptions = {
        title,
        filters: FILTERS[kind],
        properties: [...takenBy(kind), 'dontAddToRecent'],
      }
      const window = current()
      const { filePaths } = await (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options))
      return filePaths[0] ?? null
    },
    save: async (fileName, title) => {
      const options = { title, defaultPath: `${exportsFolder()}/${fileName}` }
      const window = current()
      const { filePath } = await (window ? dialog.showSaveDialog(window, options) : dialog.showSaveDialog(options))
      return filePath === '' ? null : filePath
    },
    reveal: (path) => shell.showItemInFolder(path),
  }
}
