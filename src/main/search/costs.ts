import type { LayerInfo } from '../../shared/contract/model.ts'
import { countBorders, integerLayers } from './borders.ts'
import { FLOAT, type Assignment, type SearchLayer } from './port.ts'

/** A whole model as it was written and profiled: every layer in one configuration, or an alternation of float and base. */
export interface ModelProfile {
  /** what each searched layer was */
  readonly assignment: Assignment
  /** of the file as stored */
  readonly bytes: number
  /** median time of the kernels of each layer by id, in ms */
  readonly layerMs: ReadonlyMap<string, number>
  /** median time of the kernels that belong to no layer: conversions and changes of layout */
  readonly otherMs: number
}

export interface CostInput {
  /** all layers of the prepared model, in graph order */
  readonly layers: readonly LayerInfo[]
  readonly searched: readonly SearchLayer[]
  /** bits each weight takes in the file, by configuration */
  readonly storedBits: ReadonlyMap<string, number>
  /** configurations whose layers compute on quantized activations: they have pairs at their borders */
  readonly staticChoices: ReadonlySet<string>
  readonly inputElements: ReadonlyMap<string, number>
  readonly outputs: ReadonlySet<string>
  readonly float: ModelProfile
  /** by configuration, every searched layer in it; the base first */
  readonly uniform: ReadonlyMap<string, ModelProfile>
  /** float layers between integer ones, from which the price of a border is read */
  readonly alternating: ModelProfile | null
  /** float time / base time as measured without a profile; null: as the profiles say */
  readonly baseSpeedup: number | null
}

/** Estimates of a plan's file and time, and their terms by layer. */
export interface CostModel {
  /** estimated bytes of the file */
  readonly bytesOf: (assignment: Assignment) => number
  /** estimated time of all kernels of one run, in ms */
  readonly msOf: (assignment: Assignment) => number
  /** bytes that a choice adds to the file with this layer in float; negative where it saves */
  readonly layerBytes: (layerId: string, choice: string) => number
  /** time of the layer's kernels, without its borders */
  readonly layerMs: (layerId: string, choice: string) => number
  /** the float model, as measured */
  readonly floatBytes: number
  readonly floatMs: number
  /** ms an element at a border between float and integers, and the time of other kernels without any border */
  readonly border: { readonly msPerElement: number; readonly fixedMs: number }
}

/**
 * Puts a plan's estimates together from what was measured: layer times from profiles of whole models (a layer that is simulated has the
 * time it takes simulated), what lies between the layers as a price per element at borders, sizes from the bits as stored plus what the
 * real files showed beyond them (scales, zero points, names), an equal share for each layer.
 */
export function createCosts(input: CostInput): CostModel {
  const profiles = new Map([[FLOAT, input.float], ...input.uniform])
  const searched = new Map(input.searched.map((layer) => [layer.id, layer]))
  const [base] = input.uniform.keys()
  const overheads = new Map([...input.uniform].map(([name, profile]) => [name, overheadOf(name, profile, input)]))
  const layerBytes = (id: string, choice: string): number => {
    if (choice === FLOAT) return 0
    const { parameters } = searched.get(id)!
    return storedBytes(parameters, input.storedBits.get(choice)!) - 4 * parameters + overheads.get(choice)!
  }
  const profiledMs = (id: string, choice: string): number => profiles.get(choice)!.layerMs.get(id) ?? 0
  const integersOf = (assignment: Assignment): Set<string> =>
    integerLayers(input.layers, ({ id }) => input.staticChoices.has(assignment.get(id) ?? FLOAT))
  const elementsOf = (assignment: Assignment): number => {
    const borders = countBorders(input.layers, integersOf(assignment), input.inputElements, input.outputs)
    return borders.quantized + borders.dequantized
  }
  const measured = [input.float, ...input.uniform.values(), ...(input.alternating ? [input.alternating] : [])]
  const border = fitBorder(measured.map((profile) => [elementsOf(profile.assignment), profile.otherMs]))
  // what profiling itself costs is not the same for float and integer kernels: float times are scaled to the ratio that was measured
  const scale = floatScale(input, profiledMs, border)
  const layerMs = (id: string, choice: string): number => profiledMs(id, choice) * (choice === FLOAT ? scale : 1)
  const msOf = (assignment: Assignment): number => {
    const integer = integersOf(assignment)
    let ms = border.fixedMs + border.msPerElement * elementsOf(assignment)
    for (const { id } of input.layers) ms += layerMs(id, assignment.get(id) ?? (integer.has(id) ? base! : FLOAT))
    return ms
  }
  return {
    layerBytes,
    layerMs,
    msOf,
    bytesOf: (assignment) =>
      [...assignment].reduce((sum, [id, choice]) => sum + layerBytes(id, choice), input.float.bytes),
    floatBytes: input.float.bytes,
    floatMs: msOf(input.float.assignment),
    border,
  }
}

/** What float layer times are multiplied with so that float / base comes to what was measured; 1 where that makes no sense. */
function floatScale(
  { layers, uniform, baseSpeedup }: CostInput,
  profiledMs: (id: string, choice: string) => number,
  { fixedMs }: CostModel['border'],
): number {
  const base = [...uniform.values()][0]
  if (baseSpeedup === null || !base) return 1
  const baseMs = base.otherMs + [...base.layerMs.values()].reduce((sum, ms) => sum + ms, 0)
  const floatMs = layers.reduce((sum, { id }) => sum + profiledMs(id, FLOAT), 0)
  const scale = (baseSpeedup * baseMs - fixedMs) / floatMs
  return scale > 0 && Number.isFinite(scale) ? scale : 1
}

function storedBytes(parameters: number, bits: number): number {
  return (parameters * bits) / 8
}

/** What one layer adds to the file beyond its weights, on average over the layers that were in this configuration. */
function overheadOf(
  name: string,
  { bytes, assignment }: ModelProfile,
  { searched, storedBits, float }: CostInput,
): number {
  const changed = searched.filter(({ id }) => assignment.get(id) !== FLOAT)
  const expected = changed.reduce((sum, { id, parameters }) => {
    const bits = storedBits.get(assignment.get(id) ?? name)!
    return sum + storedBytes(parameters, bits) - 4 * parameters
  }, float.bytes)
  return changed.length === 0 ? 0 : (bytes - expected) / changed.length
}

/** Least squares line through (elements, ms); neither part below 0. */
function fitBorder(points: readonly (readonly [number, number])[]): CostModel['border'] {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  let products = 0
  let squares = 0
  for (const [x, y] of points) {
    products += (x - meanX) * (y - meanY)
    squares += (x - meanX) ** 2
  }
  const msPerElement = squares > 0 ? Math.max(0, products / squares) : 0
  return { msPerElement, fixedMs: Math.max(0, meanY - msPerElement * meanX) }
}
