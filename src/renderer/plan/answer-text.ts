import { bytesText } from '../format.ts'
import type { Answer, DropKind, Figure } from './figures.ts'
import { minus } from './inspect.ts'

/** One number of the bottom line as it is shown. */
export interface AnswerText {
  /** the number itself: `1.31 MB`, `64.6 %`, `2.9×` */
  readonly value: string
  /** what changes against float: `26 %`, `−0.4 points`; '' for none */
  readonly delta: string
  /** `±0.3`; '' without an interval */
  readonly spread: string
}

/** Heads of the three numbers. */
export function answerName(name: Answer['name'], kind: DropKind | null): string {
  if (name !== 'accuracy') return name
  return kind === 'disagreement' ? 'agreement' : kind === 'nsr' ? 'noise' : 'top-1'
}

const digits = (value: number, count: number): string => minus(value.toFixed(count))
function signed(value: number, count: number): string {
  const rounded = Number(value.toFixed(count))
  return `${rounded > 0 ? '+' : ''}${minus(Math.abs(rounded) === 0 ? (0).toFixed(count) : rounded.toFixed(count))}`
}

function spreadOf({ value, interval }: Figure, text: (half: number) => string): string {
  if (interval === null) return ''
  const half = Math.max(value - interval[0], interval[1] - value)
  return half > 0 ? `±${text(half)}` : ''
}

/**
 * A number in words.
 * @param float of the float model: bytes, or top-1 as a share
 */
export function answerText(
  { name, float }: Pick<Answer, 'name' | 'float'>,
  figure: Figure,
  kind: DropKind | null,
): AnswerText {
  switch (name) {
    case 'size':
      return {
        value: bytesText(figure.value),
        delta: float === null || float === 0 ? '' : `${Math.round((100 * figure.value) / float)} %`,
        spread: '',
      }
    case 'speed':
      return { value: `${digits(figure.value, 2)}×`, delta: '', spread: spreadOf(figure, (half) => half.toFixed(2)) }
    case 'accuracy':
      return accuracyText(float, figure, kind)
  }
}

function accuracyText(float: number | null, figure: Figure, kind: DropKind | null): AnswerText {
  if (kind === 'nsr') return { value: minus(Number(figure.value.toPrecision(3)).toString()), delta: '', spread: '' }
  const spread = spreadOf(figure, (half) => (100 * half).toFixed(1))
  if (kind === 'disagreement') return { value: `${digits(100 * (1 - figure.value), 1)} %`, delta: '', spread }
  const points = `${signed(-100 * figure.value, 1)} points`
  if (float === null) return { value: points, delta: '', spread }
  return { value: `${digits(100 * (float - figure.value), 1)} %`, delta: points, spread }
}

/** The float model's number: `4.95 MB`, `65.0 %`; null where there is nothing to compare with. */
export function floatText({ name, float }: Pick<Answer, 'name' | 'float'>, kind: DropKind | null): string | null {
  if (float === null || name === 'speed') return null
  if (name === 'size') return bytesText(float)
  return kind === 'top1' ? `${digits(100 * float, 1)} %` : null
}

/** What the edits since the last measurement would change, as far as both numbers are known: `+0.12 MB`, `−0.3 points`, `+0.20×`. */
export function editText(answer: Answer, kind: DropKind | null): string | null {
  const { measured, estimated, isMeasuredNow, name } = answer
  if (measured === null || estimated === null || isMeasuredNow) return null
  const change = estimated.value - measured.value
  switch (name) {
    case 'size':
      return Math.abs(change) < 1 ? 'no change' : `${change > 0 ? '+' : ''}${bytesText(change)}`
    case 'speed':
      return `${signed(change, 2)}×`
    case 'accuracy':
      return kind === 'nsr' ? signed(change, 4) : `${signed(-100 * change, 1)} points`
  }
}
