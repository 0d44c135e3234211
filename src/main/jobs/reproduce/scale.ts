import type { Scale } from './port.ts'

const FULL: Scale = {
  quick: false,
  trainSamples: null,
  epochs: null,
  evaluationSamples: null,
  calibrationSamples: 512,
}

/** Enough to see which way a table goes, in minutes. */
const QUICK: Scale = {
  quick: true,
  trainSamples: 6000,
  epochs: 2,
  evaluationSamples: 2000,
  calibrationSamples: 256,
}

/** The whole work, or the smaller version of `--quick`. */
export const scaleOf = (quick: boolean): Scale => (quick ? QUICK : FULL)

/** What is smaller, in few words for a figure; null where nothing is. */
export function scaleWords({ quick, trainSamples, epochs, evaluationSamples }: Scale): string | null {
  if (!quick) return null
  return `Quick version: trained on at most ${trainSamples} images in ${epochs} epochs, measured on at most ${evaluationSamples}.`
}

/** What is smaller, in a sentence; null where nothing is. */
export function scaleText({ quick, trainSamples, epochs, evaluationSamples }: Scale): string | null {
  if (!quick) return null
  return `Quick version: every training sees at most ${trainSamples} images in at most ${epochs} epochs, and everything is measured on at most ${evaluationSamples} test images. The figures say which way things go, not how far.`
}
