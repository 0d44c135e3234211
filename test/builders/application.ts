import { MessageChannel } from 'node:worker_threads'
import type { ContractRouterClient } from '@orpc/contract'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { RPCHandler } from '@orpc/server/message-port'
import { onTestFinished } from 'vitest'
import { Application, type HostAdapter } from '../../src/main/hosts/application.ts'
import { createRouter } from '../../src/main/hosts/router.ts'
import { insideOf } from '../../src/main/hosts/workspace.ts'
import { createNodeWorkerHost } from '../../src/main/hosts/worker/node-host.ts'
import type { Api } from '../../src/shared/contract/api.ts'
import type { JobEvent, JobRequestInput } from '../../src/shared/contract/api/jobs.ts'
import { temporaryFolder } from './temporary.ts'

export type TestClient = ContractRouterClient<Api>

export interface TestApplication {
  readonly app: Application
  /** folder of the store; part of the workspace */
  readonly home: string
  /** another window: a client over a port pair of its own; a host that has several windows knows them by a number */
  readonly connect: (window?: number) => TestClient
}

/** An application with real workers and no host around it, in a new store; ends with the running test. */
export function testApplication(changes: Partial<HostAdapter> = {}): TestApplication {
  const home = temporaryFolder()
  const app = new Application(home, {
    kind: 'browser',
    versions: { node: '24', absent: undefined },
    workers: createNodeWorkerHost(),
    workspace: insideOf([home]),
    uploadUrl: '/upload',
    dialogs: null,
    linkTo: ({ fileName }) => `/download/${fileName}`,
    shell: () => ({ subject: 'desktop', state: 'ok', detail: 'a test' }),
    ...changes,
  })
  onTestFinished(() => app.close())
  const handler = new RPCHandler(createRouter(app))
  return {
    app,
    home,
    connect: (window) => {
      const { port1, port2 } = new MessageChannel()
      onTestFinished(() => port1.close())
      handler.upgrade(port1, { context: window === undefined ? {} : { window } })
      return createORPCClient<TestClient>(new RPCLink({ port: port2 }))
    },
  }
}

/** Starts a job and reads its feed to the end. */
export async function runJob(client: TestClient, request: JobRequestInput): Promise<JobEvent[]> {
  const { id } = await client.jobs.start(request)
  const events: JobEvent[] = []
  for await (const event of await client.jobs.watch({ job: id })) events.push(event)
  return events
}

/** Samples that any of these tests can afford. */
export const FEW_DIGITS = {
  data: { kind: 'synthetic-digits' },
  samples: 64,
  calibrationSamples: 32,
} as const
