import type { ContractRouterClient } from '@orpc/contract'
import { createORPCClient, DynamicLink } from '@orpc/client'
import type { ClientContext, ClientLink } from '@orpc/client'
import { RPCLink as PortLink } from '@orpc/client/message-port'
import { RPCLink as SocketLink } from '@orpc/client/websocket'
import type { Api } from '../shared/contract/api.ts'
import { BRIDGE, PORT_CHANNEL, type DesktopBridge } from '../shared/contract/channel.ts'

/** The calls of the contract. A fault arrives as an error that `faultOf` reads. */
export type Client = ContractRouterClient<Api>

/**
 * How it stands with the host. `lost`: it is tried again by itself; `refused`: the host does not know this window (it was started anew),
 * and a new link has to be opened.
 */
export type ConnectionState = 'connecting' | 'open' | 'lost' | 'refused'

/** A call was under way when the connection was lost: whether the host has done what was asked is not known. */
class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('The connection to the host was lost before it answered.', { cause })
    this.name = 'ConnectionLost'
  }
}

/** The host as the window reaches it. */
export interface Connection {
  readonly client: Client
  readonly state: ConnectionState
  /** Called with every change of the state. @returns stops it */
  onState(listener: (state: ConnectionState) => void): () => void
  /**
   * Reads a feed and opens it anew whenever the connection was lost, until it is stopped or the feed ends by itself.
   * @param open asks for the feed; called again after each loss
   * @param onError what else goes wrong: a fault, for example
   * @returns stops it
   */
  follow<Event>(
    open: (client: Client, signal: AbortSignal) => Promise<AsyncIterable<Event>>,
    onEvent: (event: Event) => void,
    onError?: (error: unknown) => void,
  ): () => void
}

/** What the desktop's preload offers, null in a browser. */
export function desktopBridge(): DesktopBridge | null {
  return (window as unknown as Readonly<Record<string, DesktopBridge | undefined>>)[BRIDGE] ?? null
}

let shared: Connection | null = null

/** The one connection of this window. */
export function connection(): Connection {
  shared ??= desktopBridge() === null ? new SocketConnection(socketAddress()) : new PortConnection()
  return shared
}

function socketAddress(): string {
  const { protocol, host } = window.location
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/rpc`
}

type Link = ClientLink<ClientContext>

/** The library ends pending calls of a closed socket with words about its own queues. */
function namingLoss(link: Link, socket: WebSocket): Link {
  return {
    call: (path, input, options) =>
      link.call(path, input, options).catch((error: unknown) => {
        const isLost = socket.readyState !== WebSocket.OPEN && options.signal?.aborted !== true
        throw isLost ? new ConnectionLost(error) : error
      }),
  }
}

/** What both transports share: listeners, and feeds that are opened anew. */
export abstract class BaseConnection implements Connection {
  abstract readonly client: Client
  readonly #listeners = new Set<(state: ConnectionState) => void>()
  #state: ConnectionState = 'connecting'

  get state(): ConnectionState {
    return this.#state
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  follow<Event>(
    open: (client: Client, signal: AbortSignal) => Promise<AsyncIterable<Event>>,
    onEvent: (event: Event) => void,
    onError: (error: unknown) => void = () => {},
  ): () => void {
    const stop = new AbortController()
    void this.#read(open, onEvent, onError, stop.signal)
    return () => stop.abort()
  }

  protected setState(state: ConnectionState): void {
    if (state === this.#state) return
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }

  async #read<Event>(
    open: (client: Client, signal: AbortSignal) => Promise<AsyncIterable<Event>>,
    onEvent: (event: Event) => void,
    onError: (error: unknown) => void,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await this.#whenOpen(signal)
      try {
        for await (const event of await open(this.client, signal)) {
          if (signal.aborted) return
          onEvent(event)
        }
        if (this.#state === 'open') return
      } catch (error) {
        if (signal.aborted) return
        // a loss of the connection shows in its state a moment later than in the feed
        await new Promise((resolve) => setTimeout(resolve, 50))
        if (this.#state !== 'open') continue
        onError(error)
        return
      }
    }
  }

  #whenOpen(signal: AbortSignal): Promise<void> {
    if (this.#state === 'open' || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const leave = this.onState((state) => {
        if (state !== 'open') return
        leave()
        resolve()
      })
      signal.addEventListener('abort', () => {
        leave()
        resolve()
      })
    })
  }
}

/** The desktop: one end of a port goes to the main process, which lives as long as the window. */
class PortConnection extends BaseConnection {
  readonly client: Client

  constructor() {
    super()
    const { port1, port2 } = new MessageChannel()
    window.postMessage(PORT_CHANNEL, '*', [port2])
    port1.start()
    this.client = createORPCClient<Client>(new PortLink({ port: port1 }))
    this.setState('open')
  }
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5000
/** A call that is made while the connection is lost waits so long for it to come back. */
const PATIENCE_MS = 15_000

/** The browser: a WebSocket that is opened again whenever it is lost; calls wait for it. */
class SocketConnection extends BaseConnection {
  readonly client: Client
  readonly #address: string
  #wait = FIRST_WAIT_MS
  #ready = Promise.withResolvers<Link>()

  constructor(address: string) {
    super()
    this.#address = address
    this.client = createORPCClient<Client>(new DynamicLink(() => this.#link()))
    window.addEventListener('online', () => (this.#wait = FIRST_WAIT_MS))
    this.#open()
  }

  #link(): Promise<Link> {
    const { promise, reject, resolve } = Promise.withResolvers<Link>()
    const timer = setTimeout(() => reject(new Error('The host does not answer.')), PATIENCE_MS)
    void this.#ready.promise.then(resolve).finally(() => clearTimeout(timer))
    return promise
  }

  #open(): void {
    const socket = new WebSocket(this.#address)
    let wasOpen = false
    socket.addEventListener('open', () => {
      wasOpen = true
      this.#wait = FIRST_WAIT_MS
      this.#ready.resolve(namingLoss(new SocketLink({ websocket: socket }), socket))
      this.setState('open')
    })
    socket.addEventListener('close', () => void this.#lost(wasOpen))
  }

  async #lost(wasOpen: boolean): Promise<void> {
    if (wasOpen) this.#ready = Promise.withResolvers<Link>()
    this.setState((await this.#isRefused()) ? 'refused' : 'lost')
    setTimeout(() => this.#open(), this.#wait)
    this.#wait = Math.min(LONGEST_WAIT_MS, this.#wait * 2)
  }

  /** A browser does not say why a WebSocket was turned away; a plain request to the same host does. */
  async #isRefused(): Promise<boolean> {
    try {
      const { status } = await fetch('/', { method: 'HEAD', cache: 'no-store' })
      return status === 401 || status === 403
    } catch {
      return false // nobody is there
    }
  }
}
