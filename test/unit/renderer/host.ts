import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { implement } from '@orpc/server'
import { RPCHandler } from '@orpc/server/message-port'
import { createPinia, setActivePinia } from 'pinia'
import { onTestFinished, vi } from 'vitest'
import { BaseConnection, type Client } from '../../../src/renderer/rpc.ts'
import { useConnection } from '../../../src/renderer/stores/client.ts'
import { api } from '../../../src/shared/contract/api.ts'
import type { AppEvent, AppInfo } from '../../../src/shared/contract/api/app.ts'

/** A small host: what a test implements of the contract, over a true port pair that can be lost and come back. */
class TestConnection extends BaseConnection {
  #client: Client | null = null
  readonly #serve: (port: MessagePort) => void
  #ports: MessagePort[] = []

  constructor(serve: (port: MessagePort) => void) {
    super()
    this.#serve = serve
    this.restore()
  }

  get client(): Client {
    return this.#client!
  }

  restore(): void {
    const { port1, port2 } = new MessageChannel()
    this.#ports = [port1, port2]
    this.#serve(port1)
    port1.start()
    port2.start()
    this.#client = createORPCClient<Client>(new RPCLink({ port: port2 }))
    this.setState('open')
  }

  lose(): void {
    this.setState('lost')
    for (const port of this.#ports) port.close()
  }

  /** Lost, and there again after a moment, as with a socket that is opened anew. */
  async interrupt(): Promise<void> {
    this.lose()
    await new Promise((resolve) => setTimeout(resolve, 150))
    this.restore()
  }
}

/** The contract's builders, for the calls that a test answers. */
export const os = implement(api)

/** A feed that a test fills; every follower sees what is told after it came. */
export class TestFeed<Event> {
  readonly #followers = new Set<{ queue: Event[]; wake: () => void }>()

  get followers(): number {
    return this.#followers.size
  }

  tell(event: Event): void {
    for (const follower of this.#followers) {
      follower.queue.push(event)
      follower.wake()
    }
  }

  /** @param first what a follower sees at once */
  async *follow(
    first: readonly Event[],
    isLast: (event: Event) => boolean,
    signal?: AbortSignal,
  ): AsyncGenerator<Event> {
    const follower = { queue: [...first], wake: () => {} }
    this.#followers.add(follower)
    signal?.addEventListener('abort', () => follower.wake())
    try {
      for (;;) {
        for (let event = follower.queue.shift(); event !== undefined; event = follower.queue.shift()) {
          yield event
          if (isLast(event)) return
        }
        if (signal?.aborted) return
        await new Promise<void>((resolve) => (follower.wake = resolve))
      }
    } finally {
      this.#followers.delete(follower)
    }
  }
}

const INFO: AppInfo = {
  name: 'Quantbench',
  version: '0.0.0',
  host: 'browser',
  versions: {},
  home: '/home/test/.quantbench',
  exports: '/home/test/.quantbench/exports',
  session: 'first',
  nativeDialogs: false,
  uploadUrl: '/upload',
  cores: 4,
  memoryBytes: 8e9,
}

export interface TestHost {
  readonly connection: TestConnection
  readonly events: TestFeed<AppEvent>
}

/** Storage of a window, in memory. */
function memoryStorage(): Storage {
  const values = new Map<string, string>()
  return {
    get length() {
      return values.size
    },
    clear: () => values.clear(),
    getItem: (key) => values.get(key) ?? null,
    key: (index) => [...values.keys()][index] ?? null,
    removeItem: (key) => values.delete(key),
    setItem: (key, value) => values.set(key, value),
  }
}

/**
 * A window without a page: fresh stores, connected to a host that answers `app` and what the test gives. Ends with the running test.
 * @param router implementations made with `os`, by subject
 */
export function testWindow(router: Readonly<Record<string, object>> = {}, info: Partial<AppInfo> = {}): TestHost {
  const events = new TestFeed<AppEvent>()
  const handler = new RPCHandler({
    app: {
      info: os.app.info.handler(() => ({ ...INFO, ...info })),
      events: os.app.events.handler(({ signal }) =>
        events.follow([{ kind: 'ready', session: 'first' }], () => false, signal),
      ),
      settings: {
        get: os.app.settings.get.handler(() => ({
          theme: 'system' as const,
          threads: null,
          workers: null,
          memoryBytes: null,
          home: INFO.home,
        })),
      },
    },
    ...router,
  } as never)
  const connection = new TestConnection((port) => handler.upgrade(port))
  vi.stubGlobal('localStorage', memoryStorage())
  vi.stubGlobal('sessionStorage', memoryStorage())
  setActivePinia(createPinia())
  useConnection(connection)
  onTestFinished(() => {
    connection.lose()
    vi.unstubAllGlobals()
  })
  return { connection, events }
}
