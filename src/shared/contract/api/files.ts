import { type } from '@orpc/contract'
import { z } from 'zod'
import { call } from './base.ts'

export interface FolderEntry {
  readonly name: string
  readonly path: string
  readonly kind: 'folder' | 'file'
  readonly bytes: number | null
  readonly modifiedAt: string | null
}

export interface FolderView {
  readonly path: string
  /** null at a root */
  readonly parent: string | null
  readonly entries: readonly FolderEntry[]
  /** files of other kinds that are not among the entries */
  readonly others: number
  /** the file that was asked for, where a file's path was: the view is of the folder it lies in */
  readonly chosen: string | null
}

const fileKind = z.enum(['model', 'data', 'folder', 'plan', 'store', 'any'])
export type FileKind = z.infer<typeof fileKind>

/** Files of the machine that the host runs on, inside the workspace: the folders the host was given. */
export const filesApi = {
  /** Folders to start from. */
  roots: call.output(type<readonly { readonly name: string; readonly path: string }[]>()),
  /** What lies in a folder, or in the folder of a file. Fault file.outsideWorkspace, file.notFound, file.notReadable. */
  list: call.input(z.strictObject({ folder: z.string(), kind: fileKind.default('any') })).output(type<FolderView>()),
  /** The system's dialog; null when it was closed. Fault usage.noDialogs where the host has none (`AppInfo.nativeDialogs`). */
  pick: call
    .input(z.strictObject({ kind: fileKind, title: z.string().max(200).optional() }))
    .output(type<{ readonly path: string } | null>()),
  save: call
    .input(z.strictObject({ fileName: z.string().max(255), title: z.string().max(200).optional() }))
    .output(type<{ readonly path: string } | null>()),
  /** Shows a file in the system's file manager. Fault usage.noDialogs where the host has none. */
  reveal: call.input(z.strictObject({ path: z.string() })).output(type<void>()),
  /** A link that gives the file once within a minute, a model with its data or a folder as a zip archive; null where the host's files are the user's own and need no download. */
  download: call
    .input(z.union([z.strictObject({ path: z.string() }), z.strictObject({ run: z.string(), role: z.string() })]))
    .output(type<{ readonly url: string; readonly fileName: string } | null>()),
  /** Writes a text file (a plan, an export) that the window has made. Fault file.exists without `force`. */
  writeText: call
    .input(z.strictObject({ path: z.string(), text: z.string().max(64 * 2 ** 20), force: z.boolean().default(false) }))
    .output(type<{ readonly path: string }>()),
}
