import type { TensorData } from '../../../../shared/contract/api/models.ts'
import { Fault } from '../../../../shared/contract/fault.ts'
import { toFloat32 } from '../../../graph/tensors.ts'
import type { Task } from '../../worker-host.ts'
import { readPrepared } from './model-cache.ts'

/** Values that are given at most: a window keeps them in memory. */
const MOST_ELEMENTS = 16 * 2 ** 20

/** A constant of a model as a .npy file of float32. @throws Fault model.unknownTensor, model.tooLarge */
export function createReadTensorTask(): Task<{ readonly path: string; readonly tensor: string }, TensorData> {
  return async ({ path, tensor: name }, { signal }) => {
    const model = await readPrepared(path, signal)
    const tensor = model.graph.initializers.get(name)
    if (!tensor) throw new Fault('model.unknownTensor', `The model has no constant "${name}".`, { tensor: name })
    const values = toFloat32(tensor)
    if (values.length > MOST_ELEMENTS)
      throw new Fault('model.tooLarge', `"${name}" has ${values.length} numbers, more than a window can hold.`, {
        tensor: name,
      })
    const npy = Buffer.concat([
      npyHeader(tensor.dims),
      Buffer.from(values.buffer, values.byteOffset, values.byteLength),
    ])
    const fileName = `${name.replaceAll(/[^\w.-]+/g, '_')}.npy`
    return { tensor: name, dims: tensor.dims, npy: npy.toString('base64'), fileName }
  }
}

/** Version 1.0, little-endian float32, row-major. Source: NumPy Enhancement Proposal 1. */
function npyHeader(dims: readonly number[]): Buffer {
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(', ')})`
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`
  const padded = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + '\n'
  const length = Buffer.alloc(2)
  length.writeUInt16LE(padded.length)
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(padded, 'latin1')])
}
