import { z } from 'zod'

/** Containers of quantized weights in the file. Activations use the 8- or 16-bit container their scheme implies. */
export const weightStorage = z.enum(['int8', 'uint8', 'int4', 'uint4', 'int16', 'uint16'])
export type WeightStorage = z.infer<typeof weightStorage>

export const granularity = z.enum(['perTensor', 'perChannel', 'perBlock'])

export const quantMode = z.enum(['static', 'dynamic', 'weightOnly'])
export type QuantMode = z.infer<typeof quantMode>

export const calibratorSpec = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('minMax') }),
  z.strictObject({ method: z.literal('movingAverage'), momentum: z.number().gt(0).lt(1).optional() }),
  z.strictObject({ method: z.literal('percentile'), percentile: z.number().gt(50).max(100).optional() }),
  z.strictObject({ method: z.literal('entropy') }),
  z.strictObject({ method: z.literal('mse') }),
])
/** How statistics become a range. Defaults: momentum 0.9 (weight of the past), percentile 99.99. */
export type CalibratorSpec = z.infer<typeof calibratorSpec>
export type CalibratorMethod = CalibratorSpec['method']

const bits = z.int().min(1).max(16)

export const weightScheme = z.strictObject({
  bits,
  storage: weightStorage,
  symmetric: z.boolean(),
  granularity,
  /** elements of one block along the reduced axis; only with perBlock */
  blockSize: z.int().min(16).max(4096).optional(),
  /** one bit less (7 of 8), against int16 saturation of u8×s8 products on AVX2 CPUs without VNNI */
  reducedRange: z.boolean().optional(),
})
export type WeightScheme = z.infer<typeof weightScheme>

export const activationScheme = z.strictObject({
  bits,
  symmetric: z.boolean(),
  calibrator: calibratorSpec,
})
export type ActivationScheme = z.infer<typeof activationScheme>

export const biasScheme = z.strictObject({ bits: z.union([z.literal(8), z.literal(16), z.literal(32)]) })

/** What one layer overrides; what it does not name comes from the defaults. */
export const layerOverride = z.union([
  z.literal('float'),
  z.strictObject({
    mode: quantMode.optional(),
    weights: weightScheme.partial().optional(),
    activations: activationScheme.partial().optional(),
    bias: biasScheme.optional(),
  }),
])
export type LayerOverride = z.infer<typeof layerOverride>

/** What one tensor overrides: its calibrator, or its range outright (real units, rmin ≤ 0 ≤ rmax is enforced later). */
export const tensorOverride = z.strictObject({
  calibrator: calibratorSpec.optional(),
  range: z.tuple([z.number(), z.number()]).optional(),
})
export type TensorOverride = z.infer<typeof tensorOverride>

/**
 * Repairs short of training, in the order they are made: channels evened out between neighbouring layers (`equalize`), a bit less for weights whose
 * products would saturate on AVX2 CPUs without VNNI (`reducedRange`), calibrator by tensor (`calibrators`), rounding for the least output error
 * (`rounding`), bias that takes out the mean error (`bias`).
 */
export const repairNames = ['equalize', 'reducedRange', 'calibrators', 'rounding', 'bias'] as const
export type RepairName = (typeof repairNames)[number]

/** The unit of decision: for every layer float, or bits, symmetry, granularity and calibrator (DESIGN section 5). */
export const quantPlan = z.strictObject({
  version: z.literal(1),
  /** `sha256:…` of the source model file (with its external data); a plan for another model is refused */
  model: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .optional(),
  defaults: z.strictObject({
    mode: quantMode,
    weights: weightScheme,
    activations: activationScheme,
    bias: biasScheme,
  }),
  /** by layer id */
  layers: z.record(z.string(), layerOverride),
  /** by tensor name of the prepared graph */
  tensors: z.record(z.string(), tensorOverride).optional(),
  /** none when absent */
  repairs: z.array(z.enum(repairNames)).optional(),
})
export type QuantPlan = z.infer<typeof quantPlan>

/** The plan that `quantize` uses when nothing is said: static, int8 symmetric per-channel weights, uint8 affine min-max. */
export const defaultPlan: QuantPlan = {
  version: 1,
  defaults: {
    mode: 'static',
    weights: { bits: 8, storage: 'int8', symmetric: true, granularity: 'perChannel' },
    activations: { bits: 8, symmetric: false, calibrator: { method: 'minMax' } },
    bias: { bits: 32 },
  },
  layers: {},
}
