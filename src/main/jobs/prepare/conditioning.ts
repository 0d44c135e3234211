import type { Engine, EngineTensor, Feeds } from '../../engines/port.ts'
import type { Model } from '../../graph/model.ts'
import { relativeError } from './difference.ts'
import { withSession } from './open-session.ts'
import type { Trial } from './trials.ts'

/** Size of the nudge, relative to each input value: eight units in the last place of float32, about what a fold rounds. */
const NUDGE = 2 ** -20

/**
 * How far an output of the original model itself moves when its computation is rounded otherwise: the larger of the relative
 * errors between its plain and its optimised run, and between its run on the trial's inputs and on slightly nudged ones. An
 * output that moves this much on its own (a Softmax of logits in the thousands, when a model for normalised pictures is fed raw
 * bytes) says nothing about a fold that moves it as much.
 */
export async function ownRounding(engine: Engine, source: Model, trial: Trial, output: string): Promise<number> {
  const expected = trial.expected[output]!
  const optimised = await withSession(engine, source, (session) => session.run(trial.feeds, [output]), {
    optimization: 'all',
  })
  const nudged = await withSession(engine, source, (session) => session.run(nudge(trial.feeds), [output]))
  return Math.max(relativeError(expected, optimised[output]!), relativeError(expected, nudged[output]!))
}

/** Floats moved up and down by `NUDGE` in turn; all else as it is. */
function nudge(feeds: Feeds): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, nudgeTensor(tensor)]))
}

function nudgeTensor(tensor: EngineTensor): EngineTensor {
  if (!(tensor.data instanceof Float32Array)) return tensor
  return { ...tensor, data: tensor.data.map((value, i) => value * (1 + (i % 2 === 0 ? NUDGE : -NUDGE))) }
}
