import type { OnPartial } from '../../shared/contract/api/jobs.ts'
import type { EpochView, StepView } from '../../shared/contract/api/training.ts'

/** Steps that a curve keeps at most; a chart is not wider. */
const MOST_STEPS = 2000

/** A training's curve in bounded memory: every epoch, and of the steps as many as a chart can show. */
export class KeptCurve {
  readonly #epochs = new Map<number, EpochView>()
  #steps: StepView[] = []

  add({ epochs, steps }: { readonly epochs: readonly EpochView[]; readonly steps: readonly StepView[] }): void {
    for (const epoch of epochs) this.#epochs.set(epoch.epoch, epoch)
    // a further training of the same stage begins anew
    const [first] = steps
    if (first && this.#steps.length > 0 && first.at <= this.#steps.at(-1)!.at)
      this.#steps = this.#steps.filter(({ at }) => at < first.at)
    this.#steps.push(...steps)
    while (this.#steps.length > MOST_STEPS) this.#steps = halved(this.#steps)
  }

  get epochs(): EpochView[] {
    return [...this.#epochs.values()].sort((a, b) => a.epoch - b.epoch)
  }

  get steps(): readonly StepView[] {
    return this.#steps
  }
}

/** A curve, and the listener that adds what a training tells of itself to it, and passes it on. */
export function keptCurve(pass: OnPartial | undefined): { readonly curve: KeptCurve; readonly onPartial: OnPartial } {
  const curve = new KeptCurve()
  const onPartial: OnPartial = (partial) => {
    if (partial.kind === 'training') curve.add(partial)
    pass?.(partial)
  }
  return { curve, onPartial }
}

/** Two neighbours become one, at the later of them, with their mean loss. */
function halved(steps: readonly StepView[]): StepView[] {
  const result: StepView[] = []
  for (let i = 0; i < steps.length; i += 2) {
    const [first, second] = [steps[i]!, steps[i + 1]]
    result.push(second ? { at: second.at, loss: (first.loss + second.loss) / 2 } : first)
  }
  return result
}
