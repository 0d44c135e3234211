import type { Client } from '../rpc.ts'

let current: Client | null = null

/** Hands the window's client to the stores: the host's at the start, one over an in-memory port pair in tests. */
export function useClient(client: Client): void {
  current = client
}

/** The client that every store calls. */
export function client(): Client {
  if (current === null) throw new Error('The window is not connected to its host yet.')
  return current
}
