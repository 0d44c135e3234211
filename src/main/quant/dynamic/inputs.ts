import type { ActivationScheme } from '../../../shared/contract/plan.ts'
import { int } from '../../graph/attributes.ts'
import type { Draft } from '../../graph/draft.ts'
import { byteTensor, floatTensor } from '../../graph/tensors.ts'
import { activationBounds, smallestScale } from '../scheme.ts'

/** Names of the three tensors that a quantized activation consists of while the model runs. */
export interface QuantizedInput {
  readonly values: string
  readonly scale: string
  readonly zeroPoint: string
}

/** `int8` for ConvInteger, `uint8` for MatMulInteger: the operand types of ONNX Runtime's fast kernels (see `rewriteDynamic`). */
export type InputContainer = 'int8' | 'uint8'

/**
 * Adds the nodes that quantize activations by the range they have at run time, once per tensor and scheme however many
 * layers read it.
 */
export class DynamicInputs {
  readonly #draft: Draft
  readonly #isNonNegative: (tensor: string) => boolean
  readonly #made = new Map<string, QuantizedInput>()
  readonly #constants = new Map<string, string>()

  constructor(draft: Draft, isNonNegative: (tensor: string) => boolean) {
    this.#draft = draft
    this.#isNonNegative = isNonNegative
  }

  /** The quantized form of `tensor`, the same names for the same question. */
  quantized(tensor: string, scheme: ActivationScheme, container: InputContainer): QuantizedInput {
    const key = `${container} ${scheme.bits} ${scheme.symmetric} ${tensor}`
    const made = this.#made.get(key) ?? this.#make(tensor, scheme, container)
    this.#made.set(key, made)
    return made
  }

  #make(tensor: string, scheme: ActivationScheme, container: InputContainer): QuantizedInput {
    // one op, which ONNX Runtime fuses further; it exists for 8 bits, uint8 and affine alone
    if (container === 'uint8' && scheme.bits === 8 && !scheme.symmetric) return this.#dynamicQuantizeLinear(tensor)
    const nonNegative = this.#isNonNegative(tensor)
    const bounds = activationBounds(scheme, container, nonNegative)
    const { scale, zeroPoint } =
      bounds.zeroPoint === null
        ? this.#affine(tensor, bounds.qmax - bounds.qmin, bounds.qmin, container)
        : this.#fixed(tensor, nonNegative, bounds.qmax - bounds.zeroPoint, bounds.zeroPoint, container)
    const values = this.#op('QuantizeLinear', `${tensor}_quantized`, [tensor, scale, zeroPoint])
    if (scheme.bits === 8) return { values, scale, zeroPoint }
    // the container is wider than the scheme: saturation happens here (an integer Clip is exact)
    const limits = [bounds.qmin, bounds.qmax].map((limit) => this.#integer(limit, container))
    return { values: this.#op('Clip', `${tensor}_bounded`, [values, ...limits]), scale, zeroPoint }
  }

  #dynamicQuantizeLinear(tensor: string): QuantizedInput {
    const [values, scale, zeroPoint] = ['quantized', 'scale', 'zero_point'].map((part) =>
      this.#draft.freshTensorName(`${tensor}_${part}`),
    )
    const outputs = [values!, scale!, zeroPoint!]
    this.#draft.addNode({ name: `${tensor}_quantize`, opType: 'DynamicQuantizeLinear', inputs: [tensor], outputs })
    return { values: values!, scale: scale!, zeroPoint: zeroPoint! }
  }

  /**
   * scale = (max(x, 0) − min(x, 0)) / steps, zero point = round(−min / scale) + qmin.
   * Source: ONNX DynamicQuantizeLinear-11, for any integer type.
   */
  #affine(tensor: string, steps: number, qmin: number, container: InputContainer): Omit<QuantizedInput, 'values'> {
    const zero = this.#real(0)
    const max = this.#op('Max', `${tensor}_rmax`, [this.#reduced('ReduceMax', tensor), zero])
    const min = this.#op('Min', `${tensor}_rmin`, [this.#reduced('ReduceMin', tensor), zero])
    const scale = this.#scale(tensor, this.#op('Sub', `${tensor}_range`, [max, min]), steps)
    const depth = this.#op('Neg', `${tensor}_depth`, [min])
    return {
      scale,
      zeroPoint: this.#op('QuantizeLinear', `${tensor}_zero_point`, [depth, scale, this.#integer(qmin, container)]),
    }
  }

  /** scale = max |x| / steps with a zero point that is known beforehand. */
  #fixed(
    tensor: string,
    nonNegative: boolean,
    steps: number,
    zeroPoint: number,
    container: InputContainer,
  ): Omit<QuantizedInput, 'values'> {
    const max = this.#reduced('ReduceMax', tensor)
    const size = nonNegative
      ? max
      : this.#op('Max', `${tensor}_size`, [
          max,
          this.#op('Neg', `${tensor}_depth`, [this.#reduced('ReduceMin', tensor)]),
        ])
    return { scale: this.#scale(tensor, size, steps), zeroPoint: this.#integer(zeroPoint, container) }
  }

  #scale(tensor: string, range: string, steps: number): string {
    // a tensor of zeros has no range; any scale > 0 gives its zeros back
    return this.#op('Max', `${tensor}_scale`, [
      this.#op('Div', `${tensor}_step`, [range, this.#real(steps)]),
      this.#real(smallestScale),
    ])
  }

  #reduced(opType: 'ReduceMax' | 'ReduceMin', tensor: string): string {
    return this.#op(opType, `${tensor}_${opType === 'ReduceMax' ? 'max' : 'min'}`, [tensor], [['keepdims', int(0)]])
  }

  #op(
    opType: string,
    name: string,
    inputs: readonly string[],
    attributes: Parameters<Draft['addNode']>[0]['attributes'] = [],
  ): string {
    const output = this.#draft.freshTensorName(name)
    this.#draft.addNode({ name, opType, inputs, outputs: [output], attributes })
    return output
  }

  #real(value: number): string {
    return this.#constant(`dynamic_real_${value}`, () => floatTensor(`dynamic_real_${value}`, [], [value]))
  }

  #integer(value: number, container: InputContainer): string {
    const name = `dynamic_${container}_${value}`
    const values = container === 'int8' ? Int8Array.of(value) : Uint8Array.of(value)
    return this.#constant(name, () => byteTensor(name, container, [], values))
  }

  #constant(key: string, make: () => Parameters<Draft['addInitializer']>[0]): string {
    const name = this.#constants.get(key) ?? this.#draft.addInitializer(make())
    this.#constants.set(key, name)
    return name
  }
}
