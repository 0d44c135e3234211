import { MessageChannel } from 'node:worker_threads'
import type { ContractRouterClient } from '@orpc/contract'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import { RPCHandler } from '@orpc/server/message-port'
import { expect, it, onTestFinished } from 'vitest'
import { createRouter } from '../../src/main/hosts/router.ts'
import type { Api } from '../../src/shared/contract/api.ts'
import { PRODUCT } from '../../src/shared/contract/product.ts'

it('answers app.info over a real port pair', async () => {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  new RPCHandler(createRouter({ host: 'browser', versions: { node: '24', absent: undefined } })).upgrade(port1)
  const client = createORPCClient<ContractRouterClient<Api>>(new RPCLink({ port: port2 }))
  expect(await client.app.info()).toEqual({ ...PRODUCT, name: PRODUCT.name, host: 'browser', versions: { node: '24' } })
})
