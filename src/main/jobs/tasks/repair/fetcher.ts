import type { Engine, EngineTensor, Feeds, SessionOptions } from '../../../engines/port.ts'
import { modelBytes } from '../../../formats/onnx/index.ts'
import type { Model } from '../../../graph/model.ts'
import { prefixOf } from '../../../graph/prefix.ts'

/** Gives one tensor of a model for the feeds of a batch. */
export interface Fetcher {
  fetch(feeds: Feeds): Promise<EngineTensor>
  release(): Promise<void>
}

/** Computes one tensor of a model, from a session of its ancestors alone. */
export async function fetcherOf(
  engine: Engine,
  model: Model,
  tensor: string,
  options: SessionOptions,
): Promise<Fetcher> {
  if (model.graph.inputs.some(({ name }) => name === tensor))
    return { fetch: (feeds) => Promise.resolve(feeds[tensor]!), release: () => Promise.resolve() }
  const session = await engine.createSession(modelBytes(prefixOf(model, tensor)), options)
  const names = session.inputs.map(({ name }) => name)
  return {
    fetch: async (feeds) => {
      const own = Object.fromEntries(names.map((name) => [name, feeds[name]!]))
      return (await session.run(own, [tensor]))[tensor]!
    },
    release: () => session.release(),
  }
}
