// A WebSocket handshake that is refused leaves no socket behind, also where the plugin comes before @fastify/websocket, as it always does under clusterize().
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { WebSocket } from 'ws'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import type { FastifyClusterizeOptions } from '../../src/options/plugin-types.ts'
import { connect } from '../helpers/http-connection.ts'

const HANDSHAKE = 'GET /ws HTTP/1.1\r\nhost: test\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
const SICK = { healthCheck: async () => false, healthCheckInterval: 1_000_000 }
const BLOCK_MS = 10
/** Work for many times the delay. */
const [SHORT_DELAY_MS, TOO_MANY] = [20, 30]

const REFUSALS: Record<string, { readonly options: FastifyClusterizeOptions, readonly status?: number }> = {
  'the limit of requests in flight': { options: { underPressure: false, shedding: { maxInFlight: 1 } } },
  'pressure': { options: { underPressure: SICK } },
  'pressure, with an error of the user': { options: { underPressure: { ...SICK, message: 'come back' } } },
  'a pressureHandler': { options: { underPressure: { ...SICK, pressureHandler: (_request: FastifyRequest, reply: FastifyReply) => { void reply.code(429).send('slow down') } } }, status: 429 }
}

for (const [by, { options, status = 503 }] of Object.entries(REFUSALS)) {
  test(`a handshake refused by ${by} ends its connection, and the app can close`, { timeout: 30_000 }, async t => {
    const { app, port } = await serve(t, options)
    void app.inject('/hold')
    const client = await connect({ port, host: '127.0.0.1' })
    client.write(HANDSHAKE)
    const answer = await client.read()
    assert.deepEqual([answer.status, answer.headers['connection'], await client.ended], [status, 'close', 'announced'])
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const [, response] = await once(socket, 'unexpected-response') as [ClientRequest, IncomingMessage]
    assert.equal(response.statusCode, status)
    response.resume()
    while (await connectionsOf(app) > 0) await sleep(1)
    await app.close()
  })
}

test('a handshake refused for the event loop ends its connection', { timeout: 30_000 }, async t => {
  const { port } = await serve(t, { underPressure: false, shedding: { maxQueueDelay: SHORT_DELAY_MS } })
  const clients = await Promise.all(Array.from({ length: TOO_MANY }, () => connect({ port, host: '127.0.0.1' })))
  // Node accepts one a turn: so that all are there.
  for (const client of clients) await client.get('/livez')
  const handshakes = clients.map(async client => {
    client.write(HANDSHAKE)
    return [(await client.read()).status, await client.ended]
  })
  assert.deepEqual(await Promise.any(handshakes), [503, 'announced'])
  for (const client of clients) client.close()
})

async function serve (t: TestContext, options: FastifyClusterizeOptions): Promise<{ app: FastifyInstance, port: number }> {
  const app = Fastify()
  let release = (): void => {}
  t.after(() => {
    release()
    return app.close()
  })
  await app.register(fastifyClusterize, options)
  await app.register(websocket)
  app.get('/hold', () => new Promise<string>(resolve => { release = () => resolve('held') }))
  app.get('/livez', async () => 'live')
  await app.register(async child => {
    child.get('/ws', { websocket: true }, () => { for (const until = performance.now() + BLOCK_MS; performance.now() < until;); })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port }
}

function connectionsOf (app: FastifyInstance): Promise<number> {
  return new Promise((resolve, reject) => app.server.getConnections((error, count) => error === null ? resolve(count) : reject(error)))
}
