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

/** Loss of accuracy in points, signed as a change: a drop is negative. */
function pointsText(drop: number): string {
  const points = (-drop * 100).toFixed(1)
  return `${Number(points) === 0 ? '±0' : points.replace('-', '−').replace(/^(?=\d)/, '+')} points`
}

/** The best plan's three numbers, as far as they were measured: size, loss of accuracy, speed. */
export function bestText(best: BestPlan, floatBytes: number): string | null {
  const parts = [
    best.bytes === null ? null : `${Math.round((best.bytes / floatBytes) * 100)} % size`,
    best.drop === null ? null : pointsText(best.drop),
    best.speedup === null ? null : `${best.speedup.toFixed(2)}×`,
  ].filter((part) => part !== null)
  return parts.length === 0 ? null : `Best: ${parts.join(' · ')}`
}

/** What opening a model is at, by the host's words. */
const STAGES: Readonly<Record<string, string>> = {
  reading: 'Reading',
  preparing: 'Preparing for quantization:',
  checking: 'Checking the prepared form against the original:',
  writing: 'Keeping the prepared form of',
  drawing: 'Laying out the graph of',
}

/** What is done to the model that is being opened. @param stage null before the host has said any */
export function openingText(name: string, stage: string | null): string {
  return `${STAGES[stage ?? 'reading'] ?? 'Opening'} ${name}…`
}
