import type { NativeOps, Tensor, Tfjs } from '../tensor-api.ts'
import { createCells } from './cells.ts'
import { createConvolution } from './convolution.ts'

/** An attribute of a kernel, by one of the binding's types. */
export interface OpAttribute {
  readonly name: string
  readonly type: number
  readonly value: number | boolean | string | readonly number[]
}

/** What tfjs-node's backend has beyond tfjs's interface. Source: tfjs-node 4.22.0 dist/nodejs_kernel_backend.d.ts. */
export interface NativeBackend {
  readonly binding: {
    readonly TF_Version: string
    readonly TF_ATTR_INT: number
    readonly TF_ATTR_BOOL: number
    readonly TF_ATTR_FLOAT: number
    readonly TF_ATTR_STRING: number
    readonly TF_ATTR_TYPE: number
    readonly TF_ATTR_SHAPE: number
    readonly TF_FLOAT: number
    readonly TF_INT32: number
  }
  executeMultipleOutputs(name: string, attributes: OpAttribute[], inputs: Tensor[], outputs: number): Tensor[]
}

/** Hands `save` the tensors that the gradient needs. */
type Save = (tensors: Tensor[]) => void
type Custom = (...args: [...Tensor[], Save]) => { value: Tensor; gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[] }

/** The kernels that are called by name. */
export function createNativeOps(tf: Tfjs, backend: NativeBackend): NativeOps {
  const { binding } = backend
  const run = (name: string, attributes: OpAttribute[], inputs: Tensor[], outputs: number): Tensor[] =>
    backend.executeMultipleOutputs(name, attributes, inputs, outputs)
  const custom = (body: Custom, ...inputs: Tensor[]): Tensor =>
    (tf.customGrad as unknown as (body: Custom) => (...inputs: Tensor[]) => Tensor)(body)(...inputs)

  const grid = (bits: number, narrowRange: boolean): OpAttribute[] => [
    { name: 'num_bits', type: binding.TF_ATTR_INT, value: bits },
    { name: 'narrow_range', type: binding.TF_ATTR_BOOL, value: narrowRange },
  ]
  const fakeQuantizeGradient: NativeOps['fakeQuantizeGradient'] = (dy, x, min, max, bits, narrowRange) =>
    run('FakeQuantWithMinMaxVarsGradient', grid(bits, narrowRange), [dy, x, min, max], 3) as [Tensor, Tensor, Tensor]
  const fakeQuantizer =
    (kernel: string) => (x: Tensor, min: Tensor, max: Tensor, bits: number, narrowRange: boolean) => {
      const attributes = grid(bits, narrowRange)
      return custom(
        (...args) => {
          const save = args[3] as Save
          const inputs = args.slice(0, 3) as Tensor[]
          save(inputs)
          return {
            value: run(kernel, attributes, inputs, 1)[0]!,
            gradFunc: (dy, saved) => run(`${kernel}Gradient`, attributes, [dy, ...saved], 3),
          }
        },
        x,
        min,
        max,
      )
    }

  const batchNormTrain: NativeOps['batchNormTrain'] = (x, scale, offset, epsilon) => {
    const attributes = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'U', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
      { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
      { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
    ]
    const statistics: Tensor[] = []
    const y = custom(
      (...args) => {
        const save = args[3] as Save
        const [input, gain, bias] = args.slice(0, 3) as [Tensor, Tensor, Tensor]
        // inputs 4 and 5 are the running statistics, which training does not read
        const outputs = run('FusedBatchNormV3', attributes, [input, gain, bias, tf.tensor1d([]), tf.tensor1d([])], 6)
        const [value, mean, , reserve1, reserve2, reserve3] = outputs as [
          Tensor,
          Tensor,
          Tensor,
          Tensor,
          Tensor,
          Tensor,
        ]
        save([input, gain, reserve1, reserve2, reserve3])
        // the second reserve of the CPU kernel is the population variance; output 2 has Bessel's correction
        statistics.push(tf.keep(mean.clone()), tf.keep(reserve2.clone()))
        return {
          value,
          gradFunc: (dy, saved) => run('FusedBatchNormGradV3', attributes, [dy, ...saved], 5).slice(0, 3),
        }
      },
      x,
      scale,
      offset,
    )
    // they were kept beyond the kernel's own scope; from here on they belong to the caller's
    const [mean, variance] = statistics.map((kept) => {
      const own = tf.tidy(() => kept.clone())
      kept.dispose()
      return own
    }) as [Tensor, Tensor]
    return { y, mean, variance }
  }

  const rectifier =
    (kernel: 'Relu' | 'Relu6') =>
    (x: Tensor): Tensor => {
      const attributes = [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }]
      return custom((...args) => {
        const [input, save] = args as unknown as [Tensor, Save]
        const value = run(kernel, attributes, [input], 1)[0]!
        // both kernels find out from the output where the slope is 1
        save([value])
        return { value, gradFunc: (dy, [y]) => run(`${kernel}Grad`, attributes, [dy, y!], 1) }
      }, x)
    }

  const extreme =
    (kernel: 'Min' | 'Max') =>
    (x: Tensor): number => {
      const attributes = [
        { name: 'keep_dims', type: binding.TF_ATTR_BOOL, value: false },
        { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'Tidx', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
      ]
      const axes = tf.tensor1d(
        x.shape.map((_, i) => i),
        'int32',
      )
      const [found] = run(kernel, attributes, [x, axes], 1) as [Tensor]
      const value = found.dataSync()[0]!
      tf.dispose([axes, found])
      return value
    }

  const softmaxCrossEntropy: NativeOps['softmaxCrossEntropy'] = (scores, targets) =>
    custom((...args) => {
      const [logits, save] = args as unknown as [Tensor, Save]
      const attributes = [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }]
      const [value, slope] = run('SoftmaxCrossEntropyWithLogits', attributes, [logits, targets], 2) as [Tensor, Tensor]
      save([slope])
      return { value, gradFunc: (dy, [kept]) => [tf.mul(tf.reshape(dy, [-1, 1]), kept!)] }
    }, scores)

  return {
    ...createCells(tf, backend),
    conv2d: createConvolution(tf, backend),
    softmaxCrossEntropy,
    least: extreme('Min'),
    greatest: extreme('Max'),
    relu: rectifier('Relu'),
    relu6: rectifier('Relu6'),
    fakeQuantize: fakeQuantizer('FakeQuantWithMinMaxVars'),
    fakeQuantizeGradient,
    fakeQuantizePerChannel: fakeQuantizer('FakeQuantWithMinMaxVarsPerChannel'),
    batchNormTrain,
  }
}
