import type { Cell, NativeOps, Tensor, Tfjs } from '../tensor-api.ts'
import type { NativeBackend, OpAttribute } from './native-ops.ts'

/** Cells of this process, for names that no two of them share. */
let made = 0

/** A cell with the handle that kernels take. */
interface HandledCell extends Cell {
  readonly handle: Tensor
}

/** Memory that TensorFlow's own optimisers write to: one pass over a weight, where tfjs's arithmetic takes five to twelve. */
export function createCells(
  tf: Tfjs,
  backend: NativeBackend,
): Pick<NativeOps, 'cell' | 'applyMomentum' | 'applyAdam' | 'subtractScaled'> {
  const { binding } = backend
  const float = (name: string): OpAttribute => ({ name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT })
  const flag = (name: string): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value: false })
  const run = (name: string, attributes: OpAttribute[], inputs: Tensor[], outputs = 0): Tensor[] =>
    backend.executeMultipleOutputs(name, attributes, inputs, outputs)
  const handleOf = (cell: Cell): Tensor => (cell as HandledCell).handle
  const [dtype, plain] = [[float('dtype')], [float('T'), flag('use_locking')]]
  const nesterov = [...plain, flag('use_nesterov')]

  const cell = (start: Tensor): HandledCell => {
    const attributes = [
      { name: 'container', type: binding.TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: binding.TF_ATTR_STRING, value: `quantbench-${++made}` },
      float('dtype'),
      { name: 'shape', type: binding.TF_ATTR_SHAPE, value: [...start.shape] },
    ]
    const handle = tf.keep(run('VarHandleOp', attributes, [], 1)[0]!)
    const set = (value: Tensor): void => void run('AssignVariableOp', dtype, [handle, value])
    set(start)
    return {
      handle,
      set,
      get: () => run('ReadVariableOp', dtype, [handle], 1)[0]!,
      dispose: () => {
        run('DestroyResourceOp', [flag('ignore_lookup_error')], [handle])
        handle.dispose()
      },
    }
  }

  return {
    cell,
    applyMomentum: (weight, velocity, rate, gradient, momentum) => {
      run('ResourceApplyMomentum', nesterov, [handleOf(weight), handleOf(velocity), rate, gradient, momentum])
    },
    applyAdam: (weight, first, second, gradient, { beta1Power, beta2Power, rate, beta1, beta2, epsilon }) => {
      const handles = [weight, first, second].map(handleOf)
      run('ResourceApplyAdam', nesterov, [...handles, beta1Power, beta2Power, rate, beta1, beta2, epsilon, gradient])
    },
    subtractScaled: (target, factor, x) => {
      run('ResourceApplyGradientDescent', plain, [handleOf(target), factor, x])
    },
  }
}
