import type { EngineTensor } from './port.ts'

/**
 * Gives the memory of a tensor that nobody reads any more back to the system at once: outputs of tens of MiB are objects so small that the
 * garbage collector, which is told of the bytes, else runs through the whole heap for every other run.
 */
export function giveUp({ data }: EngineTensor): void {
  if (data.buffer instanceof ArrayBuffer && !data.buffer.detached) data.buffer.transfer(0)
}
