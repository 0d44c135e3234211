import type { ContractRouterClient } from '@orpc/contract'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { Api } from '../shared/contract/api.ts'
import { PORT_CHANNEL } from '../shared/contract/channel.ts'

export type Client = ContractRouterClient<Api>

/** A typed client of the contract over the port that the preload hands to the main process. */
export function connect(): Client {
  const { port1, port2 } = new MessageChannel()
  window.postMessage(PORT_CHANNEL, '*', [port2])
  port1.start()
  return createORPCClient<Client>(new RPCLink({ port: port1 }))
}
