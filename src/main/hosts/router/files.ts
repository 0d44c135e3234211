import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { FileKind, FolderEntry, FolderView } from '../../../shared/contract/api/files.ts'
import { Fault } from '../../../shared/contract/fault.ts'
import { writeTextFile } from '../../jobs/atomic-file.ts'
import { asFileFault } from '../../jobs/file-fault.ts'
import type { Application, Download, DownloadFile, HostDialogs } from '../application.ts'
import { os } from './base.ts'

/** `files.*`: files of the machine that the host runs on. */
export function filesRouter(app: Application) {
  const { host, store } = app
  return os.files.router({
    roots: os.files.roots.handler(() =>
      host.workspace.roots.map((root) => ({ path: root, name: path.basename(root) || root })),
    ),
    list: os.files.list.handler(({ input }) => listAt(app, app.allowed(input.folder), input.kind)),
    pick: os.files.pick.handler(async ({ input }) => {
      const found = await dialogsOf(app).pick(input.kind, input.title)
      return found === null ? null : { path: found }
    }),
    save: os.files.save.handler(async ({ input }) => {
      const found = await dialogsOf(app).save(input.fileName, input.title)
      return found === null ? null : { path: found }
    }),
    reveal: os.files.reveal.handler(({ input }) => dialogsOf(app).reveal(app.allowed(input.path))),
    download: os.files.download.handler(async ({ input }) => {
      if (host.linkTo === null) return null
      const download = 'path' in input ? await downloadOf(app.allowed(input.path)) : artifactOf(input.run, input.role)
      return { url: host.linkTo(download), fileName: download.fileName }
    }),
    writeText: os.files.writeText.handler(async ({ input }) => {
      const target = app.allowed(input.path)
      await writeTextFile(target, input.text, { force: input.force })
      return { path: target }
    }),
  })

  /** @throws Fault data.noArtifact */
  function artifactOf(run: string, role: string): Download {
    const { artifacts, id } = store.runs.get(run)
    const found = artifacts.find((artifact) => artifact.role === role)
    if (!found) throw new Fault('data.noArtifact', `Run ${id} has no file "${role}".`, { run: id, role })
    const name = found.path === null ? `${id}-${role}` : path.basename(found.path)
    return { fileName: name, files: [{ path: store.artifacts.pathOf(found.sha256), fileName: name }] }
  }
}

/** A file, with the data that lie beside a model; of a folder, such as a TensorFlow.js model, what lies in it. @throws Fault file.* */
async function downloadOf(wanted: string): Promise<Download> {
  const name = path.basename(wanted)
  const found = await stat(wanted).catch((error: unknown) => {
    throw asFileFault(error, wanted, 'read')
  })
  if (found.isDirectory()) return { fileName: `${name}.zip`, files: await filesIn(wanted) }
  const file = { path: wanted, fileName: name }
  const data = { path: `${wanted}.data`, fileName: `${name}.data` }
  const hasData = name.endsWith('.onnx') && (await stat(data.path).catch(() => null))?.isFile() === true
  return hasData ? { fileName: `${name}.zip`, files: [file, data] } : { fileName: name, files: [file] }
}

/** An export is a handful of files; a folder of photographs chosen by mistake is not packed. */
const MOST_FILES = 200

/** @throws Fault file.notOneModel for an empty folder, one with folders in it, and one with very many files */
async function filesIn(folder: string): Promise<DownloadFile[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  if (files.length === 0 || files.length > MOST_FILES || entries.some((entry) => entry.isDirectory()))
    throw new Fault(
      'file.notOneModel',
      `${folder} is no folder of one model (${files.length} files): choose a file in it.`,
      { path: folder, files: files.length },
    )
  return files
    .map(({ name }) => ({ path: path.join(folder, name), fileName: `${path.basename(folder)}/${name}` }))
    .sort((a, b) => a.fileName.localeCompare(b.fileName, 'en', { numeric: true }))
}

/** @throws Fault usage.noDialogs */
function dialogsOf({ host }: Application): HostDialogs {
  if (host.dialogs) return host.dialogs
  throw new Fault('usage.noDialogs', 'This host has no dialogs of its own: the window shows a list of files.')
}

/** Ends of names that a kind of file has; null: every file is shown. */
const ENDINGS: Readonly<Record<FileKind, readonly string[] | null>> = {
  model: ['.onnx', '.json'],
  data: ['.npz', '.gz', '.bin', '-ubyte', '.csv'],
  folder: [],
  plan: ['.json'],
  store: ['.db'],
  any: null,
}

/** Whoever types or pastes the path of a file means that file. */
async function listAt(app: Application, wanted: string, kind: FileKind): Promise<FolderView> {
  const isFile = (await stat(wanted).catch(() => null))?.isFile() === true
  const view = await folderView(app, isFile ? app.allowed(path.dirname(wanted)) : wanted, kind)
  return { ...view, chosen: isFile ? wanted : null }
}

async function folderView(app: Application, folder: string, kind: FileKind): Promise<Omit<FolderView, 'chosen'>> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw asFileFault(error, folder, 'read')
  })
  const endings = ENDINGS[kind]
  const entries = await Promise.all(
    found
      .filter(({ name }) => !name.startsWith('.'))
      .map((entry) => entryOf(path.join(folder, entry.name), entry.name)),
  )
  const shown = entries.filter(
    (entry): entry is FolderEntry =>
      entry !== null &&
      (entry.kind === 'folder' || endings === null || endings.some((end) => entry.name.toLowerCase().endsWith(end))),
  )
  shown.sort((a, b) =>
    a.kind === b.kind ? a.name.localeCompare(b.name, 'en', { numeric: true }) : a.kind === 'folder' ? -1 : 1,
  )
  return {
    path: folder,
    parent: parentOf(app, folder),
    entries: shown,
    others: entries.filter((entry) => entry !== null).length - shown.length,
  }
}

/** Null for what is neither a file nor a folder, or is gone again. */
async function entryOf(file: string, name: string): Promise<FolderEntry | null> {
  const found = await stat(file).catch(() => null)
  if (found?.isDirectory())
    return { name, path: file, kind: 'folder', bytes: null, modifiedAt: found.mtime.toISOString() }
  if (!found?.isFile()) return null
  return { name, path: file, kind: 'file', bytes: found.size, modifiedAt: found.mtime.toISOString() }
}

function parentOf(app: Application, folder: string): string | null {
  const parent = path.dirname(folder)
  if (parent === folder) return null
  try {
    return app.allowed(parent)
  } catch {
    return null // the folder is a root
  }
}
