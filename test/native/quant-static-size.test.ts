import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { modelBytes } from '../../src/main/formats/onnx/index.ts'
import type { Prepared } from '../builders/quantizing.ts'
import {
  minMaxRanges,
  opCounts,
  optimizedGraph,
  prepare,
  prepareFile,
  quantizePrepared,
  randomTensor,
} from '../builders/quantizing.ts'
import { mobileNetV2, resNet18 } from '../builders/networks.ts'
import { sharedPath } from '../builders/shared.ts'
import { temporaryFolder } from '../builders/temporary.ts'

/** Bytes of the int8 file with default settings, and the ops the runtime makes of it. */
async function quantizedSize(
  prepared: Prepared,
  size: number,
): Promise<{ bytes: number; ops: Record<string, number> }> {
  const feeds = { input: randomTensor([1, 3, size, size], 3) }
  const { bytes } = quantizePrepared(prepared, await minMaxRanges(prepared, [feeds]))
  return { bytes: bytes.length, ops: opCounts(await optimizedGraph(bytes, temporaryFolder())) }
}

describe('the int8 file', () => {
  it('of ResNet-18 is a quarter of the float file, all of it in integers', async () => {
    const model = resNet18({ inputSize: 64 })
    const { bytes, ops } = await quantizedSize(prepare(model), 64)
    expect(bytes / modelBytes(model).length).toBeLessThanOrEqual(0.253)
    expect(ops).toEqual({
      SpaceToDepth: 1, // the stem, see quant/stem.ts
      QuantizeLinear: 1,
      QLinearConv: 20,
      MaxPool: 1,
      QLinearAdd: 8,
      QLinearGlobalAveragePool: 1,
      Flatten: 1,
      QGemm: 1,
      DequantizeLinear: 1,
    })
  })

  it('of MobileNetV2 stays near it, although every channel brings constants', async () => {
    const model = mobileNetV2({ inputSize: 64 })
    const { bytes, ops } = await quantizedSize(prepare(model), 64)
    expect(bytes / modelBytes(model).length).toBeLessThanOrEqual(0.265)
    expect(ops).toEqual({
      SpaceToDepth: 1, // the stem, see quant/stem.ts
      QuantizeLinear: 1,
      QLinearConv: 52,
      QLinearAdd: 10,
      QLinearGlobalAveragePool: 1,
      Flatten: 1,
      QGemm: 1,
      DequantizeLinear: 1,
    })
  })

  const squeezeNet = sharedPath('models/squeezenet1_1.onnx')
  it.skipIf(squeezeNet === null)('of SqueezeNet too', async () => {
    const { bytes } = await quantizedSize(prepareFile(squeezeNet!), 224)
    expect(bytes / fs.statSync(squeezeNet!).size).toBeLessThanOrEqual(0.265)
  })
})
