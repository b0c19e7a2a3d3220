// A connection of this process to itself: the client's end, and the accepted end as another process would receive it.
import { once } from 'node:events'
import net from 'node:net'
import type { TestContext } from 'node:test'
import { detachHandle } from '../../src/node-internals.ts'
import type { ConnectionHandle } from '../../src/node-internals.ts'
import { connect } from './raw-client.ts'
import type { RawClient } from './raw-client.ts'

/** The handle is unread, and belongs to no server. */
export async function accepted (t: TestContext): Promise<{ client: RawClient, handle: ConnectionHandle }> {
  const listener = net.createServer({ pauseOnConnect: true })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port } = listener.address() as net.AddressInfo
  const [client, [socket]] = await Promise.all([connect({ port, host: '127.0.0.1' }), once(listener, 'connection') as Promise<[net.Socket]>])
  listener.close()
  t.after(() => client.close())
  const handle = detachHandle(socket)
  if (handle === undefined) throw new Error('an accepted socket has a handle')
  return { client, handle }
}
