import { Fault } from '../../../shared/contract/fault.ts'
import type { Model } from '../../graph/model.ts'
import { inferShapes } from '../../graph/shapes/index.ts'
import { elementCount } from '../../graph/tensors.ts'

/** Most elements of one tensor for one sample: 4 GiB of float32, more than any picture or text model has by far. */
const maxElements = 2 ** 30

/**
 * Refuses a model that would take the machine's memory when it runs: a single wrong length in a file multiplies through the
 * graph, and the system would end our process, or another one. Open axes count as 1.
 * @throws Fault model.tooLarge naming the tensor and its shape
 */
export function refuseHugeTensors(model: Model): void {
  const shapes = inferShapes(model, { onProblem: () => undefined })
  for (const [name, { shape }] of shapes) {
    const known = (shape ?? []).filter((dim) => typeof dim === 'number')
    const elements = elementCount(known)
    if (elements <= maxElements) continue
    const text = `[${shape!.map((dim) => dim ?? '?').join(', ')}]`
    throw new Fault(
      'model.tooLarge',
      `The tensor "${name}" has shape ${text}, ${elements} elements for one sample; no more than 2^30 can be run: check the lengths of the model's inputs`,
      { tensor: name, elements },
    )
  }
}
