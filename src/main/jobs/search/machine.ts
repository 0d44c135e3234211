import type { Environment, Json } from '../../../shared/contract/runs.ts'

/** What a time depends on beside the file: the machine, the runtime and the threads. */
export function machineContent(
  { cpu, cores, isa, platform, versions }: Environment,
  threads: number,
): Record<string, Json> {
  return {
    cpu,
    cores,
    isa,
    platform,
    runtime: versions['onnxruntime'] ?? '',
    product: versions['quantbench'] ?? '',
    threads,
  }
}
