import fs from 'node:fs'
import path from 'node:path'

/** Folders where the development models and data lie, the first that exists wins. */
const candidates = [
  path.resolve(import.meta.dirname, '../../../shared'),
  path.resolve(import.meta.dirname, '../../shared'),
]

const folder = candidates.find((candidate) => fs.existsSync(path.join(candidate, 'models'))) ?? null
const told = new Set<string>()

/**
 * The path of a development model or data set, for example `models/mnist-cntk.onnx`; null, with a printed reason, where it is
 * not on this machine: such tests are skipped.
 */
export function sharedPath(name: string): string | null {
  const found = folder === null ? null : path.join(folder, name)
  if (found !== null && fs.existsSync(found)) return found
  if (!told.has(name)) console.warn(`skipped: ../shared/${name} is not here`)
  told.add(name)
  return null
}

/** All ONNX files among the development models, by path; empty, with a printed reason, where they are absent. */
export function sharedModels(): string[] {
  const models = sharedPath('models')
  if (models === null) return []
  const files = fs.readdirSync(models).filter((file) => file.endsWith('.onnx'))
  return files.sort().map((file) => path.join(models, file))
}
