import { Fault } from '../../shared/contract/fault.ts'

/** What was being done to a file when the system refused. */
export type FileAction = 'read' | 'write'

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** True for errors of the file system and of file arguments, which a user can act on. */
export function isFileError(error: unknown): boolean {
  return /^(?:E[A-Z0-9]{2,}|ERR_(?:INVALID_ARG_VALUE|FS_.*|OUT_OF_RANGE))$/.test(codeOf(error))
}

/**
 * The fault that an error of the file system means to the user; anything else is given back unchanged.
 * Codes: file.notFound, file.folderMissing, file.notReadable, file.notWritable, file.diskFull, file.isFolder, file.badName,
 * file.tooManyOpen, file.failed.
 */
export function asFileFault(error: unknown, path: string, action: FileAction): unknown {
  if (!isFileError(error)) return error
  const system = codeOf(error)
  const [code, sentence] = meaningOf(system, path, action)
  return new Fault(code, sentence, { path, system }, { cause: error })
}

function meaningOf(system: string, path: string, action: FileAction): [`file.${string}`, string] {
  switch (system) {
    case 'ENOENT':
      return action === 'read'
        ? ['file.notFound', `${path} does not exist: check the path`]
        : ['file.folderMissing', `${path} cannot be written: its folder does not exist; create it first`]
    case 'ENOTDIR':
      return ['file.notFound', `${path} does not exist: a part of the path is a file, not a folder`]
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return action === 'read'
        ? ['file.notReadable', `${path} may not be read: check its permissions`]
        : ['file.notWritable', `${path} cannot be written: the folder or file is not writable; choose another place`]
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return ['file.diskFull', `${path} cannot be written: the disk is full; free some space or choose another place`]
    case 'EISDIR':
      return ['file.isFolder', `${path} is a folder, not a file`]
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
    case 'EILSEQ':
    case 'EINVAL':
      return ['file.badName', `${path} is not a name that this file system takes`]
    case 'EMFILE':
    case 'ENFILE':
      return ['file.tooManyOpen', `${path} cannot be opened: too many files are open`]
    default:
      return ['file.failed', `${path} cannot be ${action === 'read' ? 'read' : 'written'} (${system})`]
  }
}
