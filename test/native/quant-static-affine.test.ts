import { describe, expect, it } from 'vitest'
import type { WeightStorage } from '../../src/shared/contract/plan.ts'
import type { Model } from '../../src/main/graph/model.ts'
import { int } from '../../src/main/graph/attributes.ts'
import { floatTensor } from '../../src/main/graph/tensors.ts'
import { dequantize, quantize } from '../../src/main/quant/affine.ts'
import { packIntegers } from '../../src/main/quant/pack.ts'
import type { QuantParams } from '../../src/main/quant/params.ts'
import { containerRange } from '../../src/main/quant/scheme.ts'
import { parameterDims } from '../../src/main/quant/weights.ts'
import { ModelBuilder, seeded } from '../builders/model-builder.ts'
import { runModel } from '../builders/quantizing.ts'

/** Values that a rounding or saturating mistake shows on: ties, just beside ties, saturation, denormals, infinities, NaN. */
function hardValues(scales: readonly number[], count: number): Float32Array {
  const random = seeded(7)
  const values = new Float32Array(count)
  const special = [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    1e-40,
    -1e-40,
    1.4e-45,
    1.1754943508222875e-38,
    3.4028234663852886e38,
    -3.4028234663852886e38,
  ]
  for (let i = 0; i < count; i++) {
    const scale = scales[i % scales.length]!
    const step = Math.floor((random() - 0.5) * 700)
    const kind = i % 8
    if (kind === 0) values[i] = special[Math.floor(random() * special.length)]!
    else if (kind < 4) values[i] = (step + 0.5) * scale
    else if (kind === 4) values[i] = (step + 0.5) * scale * (1 + (random() - 0.5) * 3e-7)
    else if (kind === 5) values[i] = (random() - 0.5) * 1e6 * scale
    else values[i] = (random() - 0.5) * 520 * scale
  }
  return values
}

/** x → Q → DQ → y, and the integers behind them as another output where the type can leave the runtime. */
function pairModel(storage: WeightStorage, params: QuantParams, dims: readonly number[]): Model {
  const builder = new ModelBuilder({ opset: 21, irVersion: 10 })
  builder.input('x', dims)
  const parameters = parameterDims(dims, params)
  const scale = builder.constant(floatTensor('scale', parameters, params.scale))
  const zeroPoint = builder.constant(packIntegers('zero', storage, parameters, params.zeroPoint))
  const attributes = {
    ...(params.axis === null ? {} : { axis: int(params.axis) }),
    ...(params.blockSize === undefined ? {} : { block_size: int(params.blockSize) }),
  }
  builder.node('QuantizeLinear', ['x', scale, zeroPoint], attributes, { outputs: ['q'] })
  builder.node('DequantizeLinear', ['q', scale, zeroPoint], attributes, { outputs: ['y'] })
  builder.output('y', dims)
  if (!storage.endsWith('4')) builder.output('q', dims, storage)
  return builder.build()
}

function paramsFor(
  storage: WeightStorage,
  scales: readonly number[],
  zeroPoints: readonly number[],
  axis: number | null,
  blockSize?: number,
): QuantParams {
  const [qmin, qmax] = containerRange(storage)
  const zeroPoint = Int32Array.from(zeroPoints, (z) => Math.min(qmax, Math.max(qmin, z)))
  return {
    qmin,
    qmax,
    scale: Float32Array.from(scales),
    zeroPoint,
    axis,
    ...(blockSize === undefined ? {} : { blockSize }),
  }
}

const storages: readonly WeightStorage[] = ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4']

describe.each(storages)('%s equals QuantizeLinear and DequantizeLinear bit for bit', (storage) => {
  const cases = [
    { why: 'one scale, zero point 0', dims: [50_000], params: paramsFor(storage, [0.1], [0], null) },
    { why: 'one scale, any zero point', dims: [50_000], params: paramsFor(storage, [0.0123], [3], null) },
    { why: 'a denormal scale', dims: [4_000], params: paramsFor(storage, [1e-39], [1], null) },
    {
      why: 'channels inside',
      dims: [40, 5, 50],
      params: paramsFor(storage, [0.1, 0.02, 3, 1e-3, 0.7], [0, 1, -3, 5, 7], 1),
    },
    {
      why: 'channels last',
      dims: [2_000, 5],
      params: paramsFor(storage, [0.1, 0.02, 3, 1e-3, 0.7], [0, 1, -3, 5, 7], 1),
    },
    {
      why: 'blocks, the last one short',
      dims: [40, 50, 3],
      params: paramsFor(
        storage,
        Array.from({ length: 480 }, (_, i) => 0.01 + i / 1000),
        Array.from({ length: 480 }, (_, i) => (i % 9) - 4),
        1,
        16,
      ),
    },
  ]
  it.each(cases)('$why', async ({ dims, params }) => {
    const count = dims.reduce((a, b) => a * b, 1)
    const values = hardValues([...params.scale], count)
    // the runtime's scalar kernels (blocks; 4 bits with channels last) convert to int32 before they saturate: what they make of
    // NaN and of what is beyond int32 is undefined in C++
    const isScalar = params.blockSize !== undefined || (storage.endsWith('4') && params.axis !== null)
    const x = isScalar ? values.map((value) => (Math.abs(value) < 1e6 ? value : 0)) : values
    const outputs = await runModel(
      pairModel(storage, params, dims),
      { x: { dataType: 'float', dims, data: x } },
      { optimization: 'disabled' },
    )
    const q = quantize(x, params, dims)
    if (outputs['q']) expect(firstDifference(q, outputs['q'].data as Int8Array)).toBeNull()
    const y = outputs['y']!.data as Float32Array
    expect(
      firstDifference(new Uint32Array(dequantize(q, params, dims).buffer), new Uint32Array(y.slice().buffer)),
    ).toBeNull()
  })
})

function firstDifference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): { at: number; ours: number; theirs: number } | null {
  for (let i = 0; i < ours.length; i++) if (ours[i] !== theirs[i]) return { at: i, ours: ours[i]!, theirs: theirs[i]! }
  return null
}
