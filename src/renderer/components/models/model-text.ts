import type { BestPlan, TaskGuess } from '../../../shared/contract/api/models.ts'

/** What a model seems to be for, in words. */
export const TASK_NAMES: Readonly<Record<TaskGuess, string>> = {
  classification: 'Classification',
  detection: 'Detection',
  segmentation: 'Segmentation',
  imageToImage: 'Image to image',
  text: 'Text',
  vectors: 'Vectors',
  other: 'Model',
}

/** The best plan's three numbers, as far as they were measured: size, loss of accuracy, speed. */
export function bestText(best: BestPlan, floatBytes: number): string | null {
  const parts = [
    best.bytes === null ? null : `${Math.round((best.bytes / floatBytes) * 100)} % of the size`,
    best.drop === null ? null : `−${(best.drop * 100).toFixed(2)} points`.replace('−-', '+'),
    best.speedup === null ? null : `${best.speedup.toFixed(2)}×`,
  ].filter((part) => part !== null)
  return parts.length === 0 ? null : `Best: ${parts.join(' · ')}`
}
