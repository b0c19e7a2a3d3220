// The feature test of handoff: every behaviour of Node that it rests on, tried once on a real connection of this process to itself.
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { handleOf, startReading, stopReading } from '../node-internals.ts'
import { trackConnections } from './connections.ts'
import type { Connections } from './connections.ts'
import { takeConnection } from './take.ts'

// Workers of a cluster otherwise share the port they get for 0, and one of them accepts what another one connects.
const ALONE = { port: 0, host: '127.0.0.1', exclusive: true }
const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

/**
 * True where idle connections can move between processes; else callers close with `Connection: close`.
 * Takes a few milliseconds; never throws. Windows shares a socket between processes only before it was read from.
 */
export async function canHandOff ({ deadline = 2000 }: { deadline?: number } = {}): Promise<boolean> {
  if (process.platform === 'win32') return false
  const server = http.createServer((_request, response) => { response.end('ok') })
  const signal = AbortSignal.timeout(deadline)
  let client: net.Socket | undefined
  try {
    const connections = trackConnections(server)
    await once(server.listen(ALONE), 'listening', { signal })
    const { port } = server.address() as net.AddressInfo
    client = net.connect(port, '127.0.0.1').on('error', () => {})
    const [accepted] = await once(server, 'connection', { signal }) as [net.Socket]
    return await findsExactlyIdle(connections, accepted, client, signal) &&
      await stopsReading(accepted, client, signal) &&
      await adoptsHandles(connections, signal)
  } catch {
    return false
  } finally {
    client?.destroy()
    server.closeAllConnections()
    server.close()
  }
}

/** Idle before the first byte, busy from it, idle again after the response. */
async function findsExactlyIdle (connections: Connections, accepted: net.Socket, client: net.Socket, signal: AbortSignal): Promise<boolean> {
  if (connections.idle().length !== 1) return false
  client.write(REQUEST.slice(0, 1))
  while (accepted.bytesRead === 0) await nextTurn(signal)
  if (connections.idle().length !== 0) return false
  client.write(REQUEST.slice(1))
  await once(client, 'data', { signal })
  return connections.idle().length === 1
}

/** Stopped, a connection leaves what arrives in the kernel; started again, it serves that. */
async function stopsReading (accepted: net.Socket, client: net.Socket, signal: AbortSignal): Promise<boolean> {
  const { bytesRead } = accepted
  stopReading(accepted)
  client.write(REQUEST)
  for (let turn = 0; turn < 3; turn++) await nextTurn(signal)
  if (accepted.bytesRead !== bytesRead) return false
  startReading(accepted)
  await once(client, 'data', { signal })
  return true
}

/** Accepts without the HTTP server and gives it the bare handle, as a worker would receive it. */
async function adoptsHandles (connections: Connections, signal: AbortSignal): Promise<boolean> {
  const plain = net.createServer({ pauseOnConnect: true })
  await once(plain.listen(ALONE), 'listening', { signal })
  const { port } = plain.address() as net.AddressInfo
  const client = net.connect(port, '127.0.0.1').on('error', () => {})
  try {
    const [accepted] = await once(plain, 'connection', { signal }) as [net.Socket]
    const handle = handleOf(accepted)
    if (handle === undefined) return false
    takeConnection(connections, handle, Buffer.alloc(0)).begin()
    client.write(REQUEST)
    await once(client, 'data', { signal })
    return true
  } finally {
    client.destroy()
    plain.close()
  }
}

function nextTurn (signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  return new Promise(resolve => { setImmediate(resolve) })
}
