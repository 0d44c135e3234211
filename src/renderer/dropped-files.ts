import { Fault, type FaultJson } from '../shared/contract/fault.ts'
import { desktopBridge } from './rpc.ts'

/** How far the files of a drop have come. */
export interface DropProgress {
  readonly name: string
  readonly sent: number
  readonly total: number
}

export interface DropOptions {
  /** `AppInfo.uploadUrl` */
  readonly uploadUrl: string | null
  readonly onProgress?: (progress: DropProgress) => void
  readonly signal?: AbortSignal
}

/**
 * Paths of dropped files as the host sees them: their real ones on the desktop; in a browser the files are sent to the host, those of one
 * drop into one folder, so that a model finds the data beside it.
 * @throws Fault file.* where the host refuses one
 */
export async function pathsOfDropped(files: readonly File[], options: DropOptions): Promise<string[]> {
  const bridge = desktopBridge()
  if (bridge !== null) return files.map((file) => bridge.pathOf(file)).filter((path) => path !== '')
  if (options.uploadUrl === null)
    throw new Fault('file.noUpload', 'This host takes no dropped files: open them by their path.')
  const drop = crypto.randomUUID()
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const paths: string[] = []
  let before = 0
  for (const file of files) {
    const name = file.webkitRelativePath || file.name
    const query = new URLSearchParams({ drop, name })
    const onSent = (sent: number): void => options.onProgress?.({ name, sent: before + sent, total })
    paths.push(await send(`${options.uploadUrl}?${query.toString()}`, file, onSent, options.signal))
    before += file.size
  }
  return paths
}

/** All files of a drop, those inside dropped folders with the folders' names before theirs. */
export async function filesOfDrop(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry())
  if (desktopBridge() !== null || entries.every((entry) => entry?.isDirectory !== true)) return [...transfer.files]
  const found = await Promise.all(entries.filter((entry) => entry !== null).map((entry) => filesIn(entry)))
  return found.flat()
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    Object.defineProperty(file, 'webkitRelativePath', { value: entry.fullPath.replace(/^\//, '') })
    return [file]
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const files: File[] = []
  for (;;) {
    // a reader gives at most a hundred entries at a time
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return files
    for (const inner of entries) files.push(...(await filesIn(inner)))
  }
}

/** fetch does not tell how far an upload has come. */
function send(url: string, file: File, onSent: (bytes: number) => void, signal?: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = new XMLHttpRequest()
  request.open('PUT', url)
  request.responseType = 'json'
  request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded))
  request.addEventListener('load', () => {
    const answer = request.response as { readonly path: string } | FaultJson | null
    if (answer && 'path' in answer) resolve(answer.path)
    else reject(answer ? Fault.fromJSON(answer) : new Fault('file.refused', `${file.name} was refused by the host.`))
  })
  request.addEventListener('error', () =>
    reject(
      new Fault(
        'file.cutOff',
        `${file.name} did not arrive: the connection to the host was lost, or the file is too large for it.`,
      ),
    ),
  )
  request.addEventListener('abort', () => reject(new DOMException('The drop was cancelled.', 'AbortError')))
  signal?.addEventListener('abort', () => request.abort(), { once: true })
  request.send(file)
  return promise
}
