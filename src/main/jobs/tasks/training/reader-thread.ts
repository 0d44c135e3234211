import { parentPort, workerData } from 'node:worker_threads'
import { isFault } from '../../../../shared/contract/fault.ts'
import { createBatchMaker, type BatchMaker, type BatchPlan } from './batch-maker.ts'
import { BATCHES_AHEAD, type FromReader, type ReaderFailure, type ToReader } from './reader-protocol.ts'

// A thread of a training's process: reads, decodes and augments while the engine computes, a few batches ahead.

/** One series under way: how many batches may still be made, and who waits for leave to make one. */
interface Running {
  readonly id: number
  readonly stop: AbortController
  credit: number
  wake: (() => void) | null
}

const port = parentPort!
let running: Running | null = null

function send(message: FromReader, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

async function serve(maker: BatchMaker, { id, series }: Extract<ToReader, { kind: 'start' }>): Promise<void> {
  const own: Running = { id, stop: new AbortController(), credit: BATCHES_AHEAD, wake: null }
  running = own
  try {
    for await (const batch of maker.read(series, own.stop.signal)) {
      while (own.credit === 0 && !own.stop.signal.aborted) await new Promise<void>((resolve) => (own.wake = resolve))
      if (own.stop.signal.aborted) return
      own.credit--
      send({ kind: 'batch', id, batch }, [batch.values.buffer as ArrayBuffer, batch.labels.buffer as ArrayBuffer])
    }
    send({ kind: 'end', id })
  } catch (error) {
    if (!own.stop.signal.aborted) send({ kind: 'failed', id, failure: failureOf(error) })
  }
}

function failureOf(error: unknown): ReaderFailure {
  if (isFault(error)) return { kind: 'fault', fault: error.toJSON() }
  if (error instanceof Error) return { kind: 'bug', message: error.message, stack: error.stack ?? '' }
  return { kind: 'bug', message: String(error), stack: '' }
}

function wake(own: Running): void {
  own.wake?.()
  own.wake = null
}

try {
  const maker = await createBatchMaker(workerData as BatchPlan)
  port.on('message', (message: ToReader) => {
    if (message.kind === 'start') return void serve(maker, message)
    if (running?.id !== message.id) return
    if (message.kind === 'more') running.credit++
    else running.stop.abort()
    wake(running)
  })
  send({ kind: 'ready', labelRange: maker.labelRange })
} catch (error) {
  send({ kind: 'failed', id: null, failure: failureOf(error) })
}
