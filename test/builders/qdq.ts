import type { WeightStorage } from '../../src/shared/contract/plan.ts'
import { int } from '../../src/main/graph/attributes.ts'
import { floatTensor, int32Tensor } from '../../src/main/graph/tensors.ts'
import { packIntegers } from '../../src/main/quant/pack.ts'
import { ModelBuilder } from './model-builder.ts'

/** Writes QDQ graphs by hand, to ask the runtime what it makes of them. */
export class QdqBuilder extends ModelBuilder {
  #names = 0

  #scalar(storage: WeightStorage, value: number): string {
    return this.constant(packIntegers(`int${this.#names++}`, storage, [], Int32Array.of(value)))
  }

  #scale(value: number): string {
    return this.constant(floatTensor(`scale${this.#names++}`, [], [value]))
  }

  /** Q alone: the name of the integers. */
  quantize(tensor: string, zeroPoint: number, storage: WeightStorage = 'uint8', scale = 0.05): string {
    return this.node('QuantizeLinear', [tensor, this.#scale(scale), this.#scalar(storage, zeroPoint)])
  }

  dequantize(integers: string, zeroPoint: number, storage: WeightStorage = 'uint8', scale = 0.05): string {
    return this.node('DequantizeLinear', [integers, this.#scale(scale), this.#scalar(storage, zeroPoint)])
  }

  /** Q and DQ: what readers get. */
  pair(tensor: string, zeroPoint = 128, storage: WeightStorage = 'uint8', scale = 0.05): string {
    return this.dequantize(this.quantize(tensor, zeroPoint, storage, scale), zeroPoint, storage, scale)
  }

  /** Q, integer Clip, DQ. */
  clippedPair(tensor: string, zeroPoint: number, low: number, high: number, scale = 0.05): string {
    const clipped = this.node('Clip', [
      this.quantize(tensor, zeroPoint, 'uint8', scale),
      this.#scalar('uint8', low),
      this.#scalar('uint8', high),
    ])
    return this.dequantize(clipped, zeroPoint, 'uint8', scale)
  }

  /** Integer weights behind a DQ, one scale a channel of `axis`. */
  integerWeights(
    dims: readonly number[],
    axis: number,
    options: { storage?: WeightStorage; zeroPoints?: readonly number[]; bare?: boolean } = {},
  ): string {
    const { storage = 'int8', bare = false } = options
    const count = dims.reduce((a, b) => a * b, 1)
    const channels = dims[axis]!
    const half = storage.endsWith('4') ? 7 : 100
    const middle = storage.startsWith('u') ? (storage.endsWith('4') ? 8 : 128) : 0
    const values = Int32Array.from({ length: count }, () => middle + Math.round((this.random() * 2 - 1) * half))
    const zeroPoints = Int32Array.from(options.zeroPoints ?? Array.from({ length: channels }, () => middle))
    const n = this.#names++
    const inputs = [
      this.constant(packIntegers(`w_q${n}`, storage, dims, values)),
      this.constant(
        floatTensor(
          `w_s${n}`,
          [channels],
          Array.from({ length: channels }, (_, i) => 0.001 + i / 5000),
        ),
      ),
    ]
    if (!bare) inputs.push(this.constant(packIntegers(`w_z${n}`, storage, [channels], zeroPoints)))
    return this.node('DequantizeLinear', inputs, { axis: int(axis) })
  }

  integerBias(channels: number, inputScale = 0.05): string {
    const n = this.#names++
    const values = this.constant(
      int32Tensor(
        `b_q${n}`,
        [channels],
        Int32Array.from({ length: channels }, (_, i) => i * 100),
      ),
    )
    const scale = this.constant(
      floatTensor(
        `b_s${n}`,
        [channels],
        Array.from({ length: channels }, (_, i) => Math.fround(inputScale) * Math.fround(0.001 + i / 5000)),
      ),
    )
    return this.node('DequantizeLinear', [values, scale], { axis: int(0) })
  }

  /** As `integerBias`, its scale computed in the graph. */
  multipliedBias(channels: number): string {
    const n = this.#names++
    const values = this.constant(int32Tensor(`b_q${n}`, [channels], new Int32Array(channels)))
    const weightScale = this.constant(
      floatTensor(
        `b_w${n}`,
        [channels],
        Array.from({ length: channels }, (_, i) => 0.001 + i / 5000),
      ),
    )
    return this.node('DequantizeLinear', [values, this.node('Mul', [this.#scale(0.05), weightScale])], { axis: int(0) })
  }

  integerConv(input: string, inChannels: number, outChannels: number, inputScale = 0.05): string {
    const constants = [
      this.integerWeights([outChannels, inChannels, 3, 3], 0),
      this.integerBias(outChannels, inputScale),
    ]
    return this.node('Conv', [input, ...constants], { pads: [1, 1, 1, 1] })
  }
}
