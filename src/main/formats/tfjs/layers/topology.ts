import { z } from 'zod'
import { Fault } from '../../../../shared/contract/fault.ts'

const config = z.record(z.string(), z.unknown())

const reference = z.tuple([z.string(), z.number().int().min(0), z.number().int().min(0)]).rest(z.unknown())

const layer = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.union([config, z.array(z.unknown())]).optional(),
  inbound_nodes: z.array(z.array(reference)).nullish(),
})

const network = z.object({
  name: z.string().optional(),
  layers: z.array(layer),
  input_layers: z.array(reference).optional(),
  output_layers: z.array(reference).optional(),
})

/** Where a layer reads: [layer, which use of it, which of its outputs]. */
export interface Reference {
  readonly layer: string
  readonly call: number
  readonly output: number
}

export interface LayerEntry {
  readonly className: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** the layers of a nested model */
  readonly nested: Network | null
  /** what each use of the layer reads; null in a Sequential model: the layer before */
  readonly calls: readonly (readonly Reference[])[] | null
}

/** A model of layers. `inputs` and `outputs` null: a Sequential model. */
export interface Network {
  readonly layers: readonly LayerEntry[]
  readonly inputs: readonly Reference[] | null
  readonly outputs: readonly Reference[] | null
}

const NETWORKS = new Set(['Sequential', 'Model', 'Functional'])

/**
 * Reads the topology of a layers-model. @throws Fault format.malformed, model.opUnsupported for something that is no network
 * Source: tfjs-layers, models.ts and engine/container.ts.
 */
export function parseTopology(topology: Readonly<Record<string, unknown>>, source: string): Network {
  const outer = (topology['model_config'] ?? topology) as { class_name?: unknown; config?: unknown }
  const { class_name: className } = outer
  if (typeof className !== 'string') throw malformed(source, 'modelTopology names no class_name')
  if (!NETWORKS.has(className)) {
    throw new Fault(
      'model.opUnsupported',
      `${source}: the model is of class "${className.slice(0, 60)}"; Sequential and Functional models are read`,
      { operators: [className.slice(0, 60)] },
    )
  }
  return networkOf(className, outer.config, source, 'modelTopology')
}

function networkOf(className: string, given: unknown, source: string, place: string): Network {
  // a Sequential model of Keras 1 is a bare list
  const parsed = network.safeParse(Array.isArray(given) ? { layers: given } : given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw malformed(
      source,
      `${[place, 'config', ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not a model'}`,
    )
  }
  const { layers, input_layers: inputs, output_layers: outputs } = parsed.data
  const isSequential = className === 'Sequential'
  if (!isSequential && (!inputs || !outputs)) throw malformed(source, `${place} names no input_layers or output_layers`)
  const entries = layers.map((entry, index): LayerEntry => {
    const own = entry.config ?? {}
    const values = Array.isArray(own) ? {} : own
    const name = typeof values['name'] === 'string' ? values['name'] : (entry.name ?? '')
    if (name === '') throw malformed(source, `layer ${index} (${entry.class_name}) of ${place} has no name`)
    const isNested = NETWORKS.has(entry.class_name)
    return {
      className: entry.class_name,
      name: entry.name ?? name,
      config: values,
      nested: isNested ? networkOf(entry.class_name, own, source, `the nested model "${name}"`) : null,
      calls: isSequential ? null : (entry.inbound_nodes ?? []).map((call) => call.map(referenceOf)),
    }
  })
  const names = new Set<string>()
  for (const { name } of entries) {
    if (names.has(name)) throw malformed(source, `two layers of ${place} are named "${name}"`)
    names.add(name)
  }
  return {
    layers: entries,
    inputs: isSequential ? null : inputs!.map(referenceOf),
    outputs: isSequential ? null : outputs!.map(referenceOf),
  }
}

function referenceOf([layerName, call, output]: [string, number, number, ...unknown[]]): Reference {
  return { layer: layerName, call, output }
}

function malformed(source: string, message: string): Fault {
  return new Fault('format.malformed', `${source} is damaged: ${message}; export the model again`)
}
