/**
 * V8 options of a worker. Tensors and pictures are buffers outside the JavaScript heap, whose owners are so small that a young generation
 * of the usual 16 MiB lets tens of MiB of dead buffers pile up before it is collected. With 1 MiB a calibration's peak RSS
 * stays within 2 % from 100 to 1,000 photographs (with 16 MiB: 20 %), at the same speed. Tasks that leave many such buffers
 * behind ask for a collection themselves.
 */
export const WORKER_V8_OPTIONS: readonly string[] = ['--max-semi-space-size=1', '--expose-gc']

/**
 * The environment of a worker. glibc otherwise gives each decoding thread its own arena, which keep their largest extent (26 % more RSS
 * on photographs), and raises the size from which a buffer is returned to the system at once up to 32 MiB, after which
 * freed pictures and tensors stay with the process (4 to 8 % more RSS from 100 to 1,000 pictures; none with the limit fixed,
 * at the same speed). Source: mallopt(3), M_ARENA_MAX and M_MMAP_THRESHOLD.
 */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', ...env }
}
