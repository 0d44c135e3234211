import type { Tfjs, Variable } from '../engines/tensor-api.ts'

/** Gives variables the values that a checkpoint keeps of them. @throws Error where one is missing or of another length */
export function assignTensors(
  tf: Tfjs,
  variables: Iterable<readonly [string, Variable]>,
  tensors: ReadonlyMap<string, Float32Array>,
): void {
  for (const [name, variable] of variables) {
    const values = tensors.get(name)
    if (values?.length !== variable.size) throw new Error(`the checkpoint does not fit: ${name}`)
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
  }
}
