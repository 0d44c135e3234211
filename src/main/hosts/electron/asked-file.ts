import path from 'node:path'

/**
 * The model that a command line names: what a file manager starts the application with, or a shell.
 * @param argv the whole command line
 * @param folder what its paths are relative to
 */
export function askedFile(argv: readonly string[], folder: string): string | null {
  const named = argv
    .slice(1)
    .find((argument) => /(\.onnx|(^|[/\\])model\.json)$/i.test(argument) && !argument.startsWith('-'))
  return named === undefined ? null : path.resolve(folder, named)
}
