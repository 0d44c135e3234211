import type { Client, Connection } from '../rpc.ts'

let current: Connection | null = null

/** Hands the window's connection to the stores: the host's at the start, one over an in-memory port pair in tests. */
export function useConnection(connection: Connection): void {
  current = connection
}

/** The connection that every store uses. */
export function connection(): Connection {
  if (current === null) throw new Error('The window is not connected to its host yet.')
  return current
}

/** The client that every store calls. */
export function client(): Client {
  return connection().client
}
