const MODEL_FILE = /(\.onnx|(^|[/\\])model\.json)$/i

/**
 * What to open of a drop: the models among the paths; of several files in one dropped folder, the folder's model; else the first path, so that
 * the host says what is wrong with it.
 */
export function modelsAmong(paths: readonly string[]): readonly string[] {
  const models = paths.filter((path) => MODEL_FILE.test(path))
  return models.length > 0 ? models : paths.slice(0, 1)
}

/** The name of a file without its folders. */
export function fileNameOf(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path
}
