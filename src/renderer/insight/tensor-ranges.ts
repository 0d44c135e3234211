import type { ActivationView } from '../../shared/contract/api/models.ts'
import type { ResolvedLayerView } from '../../shared/contract/api/plans.ts'
import type { LayerInfo } from '../../shared/contract/model.ts'
import type { CalibratorSpec, QuantPlan } from '../../shared/contract/plan.ts'

/** What decides the range of a tensor in the plan. */
export interface RangeChoice {
  readonly calibrator: CalibratorSpec
  /** set by hand; null: the calibrator decides */
  readonly fixed: readonly [number, number] | null
}

/** Ids of the layers that make tensors, by tensor. */
export function makersOf(layers: readonly LayerInfo[]): ReadonlyMap<string, string> {
  return new Map(layers.flatMap(({ id, outputs }) => outputs.map((name) => [name, id] as const)))
}

/** What the plan says of a tensor: of itself, of the layer that makes it, or of all. */
export function rangeChoice(
  { tensors, defaults }: Pick<QuantPlan, 'tensors' | 'defaults'>,
  tensor: string,
  maker: Pick<ResolvedLayerView, 'activations'> | undefined,
): RangeChoice {
  const own = tensors?.[tensor]
  return {
    calibrator: own?.calibrator ?? maker?.activations?.calibrator ?? defaults.activations.calibrator,
    fixed: own?.range ?? null,
  }
}

/** The range that follows from the choice; what a calibration saw where it does not know the calibrator. */
export function rangeInUse(
  { ranges, min, max }: Pick<ActivationView, 'ranges' | 'min' | 'max'>,
  { calibrator, fixed }: RangeChoice,
): readonly [number, number] {
  if (fixed !== null) return fixed
  const found = ranges.find((one) => one.calibrator.method === calibrator.method)
  return found ? [found.rmin, found.rmax] : [Math.min(0, min), Math.max(0, max)]
}
