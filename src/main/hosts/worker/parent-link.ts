import type { ToChild } from './protocol.ts'
import type { ParentLink } from './serve.ts'

/** What Electron's `process.parentPort` has of Node's MessagePort; declared here because only hosts/electron may import electron. */
interface ParentPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (event: { data: unknown }) => void): void
}

/**
 * The channel to whoever started this process: Electron's parent port in a utility process, else Node's IPC channel. The process
 * ends by itself when the parent is gone, so that nothing is orphaned by a `kill -9` of the parent, and leaves Ctrl-C, which a
 * terminal sends to the whole group, to the parent's decision.
 * @throws Error when the process was not started by a worker host
 */
export function openParentLink(): ParentLink {
  process.on('SIGINT', () => {})
  const { parentPort } = process as { parentPort?: ParentPort }
  if (parentPort) {
    return {
      send: (message) => parentPort.postMessage(message),
      onMessage: (listener) => parentPort.on('message', (event) => listener(event.data as ToChild)),
    }
  }
  const send = process.send?.bind(process)
  if (!send) throw new Error('this file is started by the worker host, not by hand')
  process.on('disconnect', () => process.exit(0))
  if (!process.connected) process.exit(0) // it was killed while this process came up
  return {
    // a failed send means that the parent is gone; 'disconnect' follows
    send: (message) => void send(message, undefined, undefined, () => {}),
    onMessage: (listener) => process.on('message', (message) => listener(message as ToChild)),
  }
}
