import type { DataFinding } from '../../shared/contract/api/data.ts'
import type { SampleOptionsInput } from '../../shared/contract/api/data.ts'
import type { Problem } from '../problem.ts'

/** Options of the command line, as the window calls what they set. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/: use --preprocess [\w-]+\.$/, '.'],
  [/give --allow-overlap/g, 'allow samples in both'],
  [/--allow-overlap/g, 'samples in both'],
  [/--calibration-range/g, 'the calibration range'],
  [/--range/g, 'the range'],
  [/--samples/g, 'the number of samples'],
  [/--preprocess/g, 'the preprocessing'],
]

/** A sentence of the host without what only the command line can do: here a button or the fields beside it do that. */
export function windowText(sentence: string): string {
  return WORDS.reduce((text, [pattern, word]) => text.replace(pattern, word), sentence)
}

/** A finding as it is shown. */
export function findingText({ message }: Pick<DataFinding, 'message'>): string {
  return windowText(message)
}

/** What sets a refused choice right, as one button. */
export interface ChoiceRemedy {
  readonly label: string
  readonly change: Partial<SampleOptionsInput>
}

/** The way out of a choice of samples that the host refused; null where only other data or another model would help. */
export function remedyOfProblem({ code }: Pick<Problem, 'code'>): ChoiceRemedy | null {
  switch (code) {
    case 'usage.overlap':
    case 'usage.range':
    case 'usage.samples':
      return {
        label: 'Let the ranges be chosen',
        change: { range: undefined, calibrationRange: undefined, samples: undefined, calibrationSamples: undefined },
      }
    case 'usage.preprocess':
      return { label: 'Use the proposed preprocessing', change: { preprocess: undefined } }
    default:
      return null
  }
}
