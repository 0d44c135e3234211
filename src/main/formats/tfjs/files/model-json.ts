import { z } from 'zod'
import { Fault } from '../../../../shared/contract/fault.ts'

/** Largest number of elements taken for one weight: 4 GiB of float32. */
const MAX_ELEMENTS = 2 ** 30
/** Deepest nesting of a model.json that is read: nested models take a few levels each. */
const MAX_DEPTH = 64
/** Largest model.json that is read: weights lie in the shards, and JavaScript's texts end at 512 MiB. */
const MAX_BYTES = 2 ** 28

const quantization = z.object({
  dtype: z.enum(['uint8', 'uint16', 'float16']),
  scale: z.number().optional(),
  min: z.number().optional(),
})

const weightSpec = z.object({
  name: z.string().min(1),
  shape: z.array(z.number().int().min(0)).max(16),
  dtype: z.enum(['float32', 'int32', 'bool', 'uint8', 'uint16', 'float16', 'string', 'complex64']),
  quantization: quantization.optional(),
})

const modelJson = z.object({
  format: z.string().optional(),
  generatedBy: z.string().nullish(),
  convertedBy: z.string().nullish(),
  modelTopology: z.record(z.string(), z.unknown()),
  signature: z.unknown().optional(),
  userDefinedMetadata: z.unknown().optional(),
  weightsManifest: z.array(z.object({ paths: z.array(z.string().min(1)), weights: z.array(weightSpec) })),
})

/** One weight as the manifest describes it. Source: tfjs-core, io/types.ts, WeightsManifestEntry. */
export type WeightSpec = z.infer<typeof weightSpec>

/** The parts of a model.json that every format has. */
export interface ModelJson {
  readonly format: 'tfjs-layers' | 'tfjs-graph'
  readonly producer: { readonly name: string; readonly version: string }
  readonly topology: Readonly<Record<string, unknown>>
  readonly signature: unknown
  readonly groups: readonly { readonly paths: readonly string[]; readonly weights: readonly WeightSpec[] }[]
}

/**
 * Reads a model.json and checks what is common to both formats.
 * @param source name of the file, for messages
 * @throws Fault format.notTfjs, format.malformed, format.empty, format.tooLarge, format.weights
 * Source: tfjs-core, io/types.ts, ModelJSON.
 */
export function parseModelJson(bytes: Uint8Array, source: string): ModelJson {
  const parsed = modelJson.safeParse(parseJson(bytes, source))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = issue?.path.length ? `at ${issue.path.join('.')}` : 'at the top'
    const isForeign = issue?.path.length === 1 && issue.code === 'invalid_type'
    throw new Fault(
      isForeign ? 'format.notTfjs' : 'format.malformed',
      isForeign
        ? `${source} is JSON but no TensorFlow.js model (${issue.path[0]!.toString()} is missing or of the wrong sort): name the model.json that tensorflowjs_converter or model.save() wrote`
        : `${source} is damaged ${place}: ${issue?.message ?? 'not a model'}; export the model again`,
      { path: issue?.path.join('.') ?? '' },
    )
  }
  const { modelTopology, weightsManifest, generatedBy, convertedBy, signature, userDefinedMetadata } = parsed.data
  const groups = checkWeights(weightsManifest, source)
  return {
    format: formatOf(parsed.data.format, modelTopology, source),
    producer: { name: convertedBy ?? generatedBy ?? 'TensorFlow.js', version: '' },
    topology: modelTopology,
    signature: signature ?? (userDefinedMetadata as { signature?: unknown } | null | undefined)?.signature,
    groups,
  }
}

function parseJson(bytes: Uint8Array, source: string): unknown {
  if (bytes.length === 0) throw new Fault('format.empty', `${source} is empty: fetch or export the model again`)
  if (bytes.length > MAX_BYTES) {
    throw new Fault(
      'format.tooLarge',
      `${source} has ${bytes.length} bytes; a model.json ends at ${MAX_BYTES}: its weights belong in shards beside it`,
      { sizeBytes: bytes.length },
    )
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('format.notTfjs', `${source} is not text, so not a model.json`, {}, { cause })
  }
  const tooDeep = deepestNesting(text) > MAX_DEPTH
  if (tooDeep)
    throw new Fault('format.malformed', `${source} nests deeper than ${MAX_DEPTH} levels, which no model.json does`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Fault(
      'format.malformed',
      `${source} is not sound JSON: ${(cause as Error).message}; fetch it again`,
      {},
      { cause },
    )
  }
}

/** How deep brackets nest outside strings; asked first, since parsing and checking recurse. */
function deepestNesting(text: string): number {
  let depth = 0
  let deepest = 0
  let isString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isString) {
      if (code === 92) i++
      else if (code === 34) isString = false
    } else if (code === 34) isString = true
    else if (code === 91 || code === 123) deepest = Math.max(deepest, ++depth)
    else if (code === 93 || code === 125) depth--
  }
  return deepest
}

/** Files of tfjs 1.0 and before state no format: a GraphDef has nodes. Source: tfjs-converter, io of 1.x. */
function formatOf(
  stated: string | undefined,
  topology: Readonly<Record<string, unknown>>,
  source: string,
): ModelJson['format'] {
  if (stated === 'layers-model') return 'tfjs-layers'
  if (stated === 'graph-model') return 'tfjs-graph'
  if (stated !== undefined) {
    throw new Fault(
      'format.notTfjs',
      `${source} states the format "${stated.slice(0, 40)}"; "layers-model" and "graph-model" are read`,
      { format: stated.slice(0, 40) },
    )
  }
  return Array.isArray(topology['node']) ? 'tfjs-graph' : 'tfjs-layers'
}

function checkWeights(groups: ModelJson['groups'], source: string): ModelJson['groups'] {
  const names = new Set<string>()
  const refuse = (name: string, message: string): never => {
    throw new Fault('format.weights', `${source}: weight "${name.slice(0, 200)}" ${message}`, {
      weight: name.slice(0, 200),
    })
  }
  for (const { weights } of groups) {
    for (const { name, shape, dtype, quantization: stored } of weights) {
      if (names.has(name)) refuse(name, 'stands twice in the manifest; export the model again')
      names.add(name)
      let count = 1
      for (const dim of shape) {
        count *= dim
        if (count > MAX_ELEMENTS)
          refuse(name, `has the shape [${shape.join(', ')}], more elements than can be kept; the manifest is damaged`)
      }
      if (dtype === 'string' || dtype === 'complex64')
        refuse(name, `is of type ${dtype}; models with such weights are not read`)
      if (!stored) continue
      if (stored.dtype === 'float16') {
        if (dtype !== 'float32') refuse(name, `is quantized to float16 but of type ${dtype}`)
        continue
      }
      const { scale, min } = stored
      if (scale === undefined || min === undefined || !Number.isFinite(scale) || !Number.isFinite(min)) {
        refuse(
          name,
          `is quantized to ${stored.dtype} without a usable scale and min (${scale} and ${min}); export the model again`,
        )
      }
      if (scale! < 0) refuse(name, `is quantized with a scale of ${scale}, expected 0 or more`)
      if (dtype !== 'float32' && dtype !== 'int32') refuse(name, `is quantized but of type ${dtype}`)
      const most = stored.dtype === 'uint8' ? 255 : 65535
      const limit = dtype === 'int32' ? 2 ** 31 - 1 : 3.4028234663852886e38
      if (Math.abs(min!) > limit || Math.abs(most * scale! + min!) > limit) {
        refuse(name, `is quantized with scale ${scale} and min ${min}, whose range ${dtype} does not hold`)
      }
    }
  }
  return groups
}
