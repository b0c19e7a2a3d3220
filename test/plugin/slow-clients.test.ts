// Clients that send or read slowly keep nobody else from the places of the limit.
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import { gateOf } from '../../src/request-gate.ts'
import type { RequestGate } from '../../src/request-gate.ts'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'

const LIMIT = 10
/** What is normal may have of it. */
const PLACES = 9
/** More than the buffers of both sides of a connection take. */
const BIG = Buffer.alloc(12 * 1024 * 1024, 'x')
const POST = 'POST / HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n'

interface Served { readonly app: FastifyInstance, readonly gate: RequestGate, readonly open: () => Promise<HttpConnection>, readonly release: () => void, readonly holds: () => number }

async function serve (t: TestContext, maxInFlight: number): Promise<Served> {
  const app = Fastify({ forceCloseConnections: true })
  const holding: Array<() => void> = []
  const release = (): void => { for (const each of holding.splice(0)) each() }
  const clients: HttpConnection[] = []
  t.after(() => {
    for (const client of clients) client.close()
    release()
    return app.close()
  })
  await app.register(fastifyClusterize, { underPressure: false, shedding: { maxInFlight, maxQueueDelay: false } })
  const hold = (): Promise<string> => new Promise(resolve => holding.push(() => resolve('held')))
  // Its handler begins before the body has come.
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
  app.get('/', async () => 'root')
  app.get('/big', async () => BIG)
  app.get('/hold', hold)
  app.post('/', async () => 'posted')
  app.post('/hold', hold)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const gate = gateOf(app)
  assert.ok(gate)
  return {
    app,
    gate,
    async open () {
      const client = await connect({ port, host: '127.0.0.1' })
      clients.push(client)
      return client
    },
    release,
    holds: () => holding.length
  }
}

async function untilInFlight (gate: RequestGate, count: number): Promise<void> {
  while (gate.inFlight() !== count) await sleep(1)
}

/** On a connection of its own. */
async function statusOf ({ open }: Served, url = '/'): Promise<number> {
  const client = await open()
  const { status } = await client.get(url)
  client.close()
  return status
}

test('answers that nobody reads take no place, and are in flight', { timeout: 20_000 }, async t => {
  const served = await serve(t, LIMIT)
  for (let count = 0; count < PLACES; count++) {
    const client = await served.open()
    client.socket.pause()
    client.write('GET /big HTTP/1.1\r\nhost: test\r\n\r\n')
  }
  await untilInFlight(served.gate, PLACES)
  assert.equal(await statusOf(served), 200)
  assert.ok(served.gate.inFlight() >= PLACES)
})

test('answers that wait behind another of a pipeline take no place', { timeout: 20_000 }, async t => {
  const served = await serve(t, LIMIT)
  const client = await served.open()
  client.write(`GET /hold HTTP/1.1\r\nhost: test\r\n\r\n${'GET / HTTP/1.1\r\nhost: test\r\n\r\n'.repeat(PLACES - 1)}`)
  await untilInFlight(served.gate, PLACES)
  assert.equal(await statusOf(served), 200)
})

test('bodies that do not come take no place, whether there is a route for them or not', { timeout: 20_000 }, async t => {
  const served = await serve(t, LIMIT)
  for (let count = 0; count < PLACES; count++) {
    const client = await served.open()
    client.write(`${count % 2 === 0 ? POST : POST.replace('/', '/nowhere')}1`)
  }
  await untilInFlight(served.gate, PLACES)
  assert.equal(await statusOf(served), 200)
})

test('a request whose body comes when all places are taken is refused, and the next on its connection is served', { timeout: 20_000 }, async t => {
  const served = await serve(t, 1)
  const client = await served.open()
  client.write(`${POST}1`)
  await untilInFlight(served.gate, 1)
  const held = (await served.open()).get('/hold')
  while (served.holds() < 1) await sleep(1)
  client.write('23')
  assert.equal((await client.read()).status, 503)
  assert.deepEqual(served.gate.shedding().shed, { 'in-flight': { critical: 0, normal: 1, sheddable: 0 } })
  await untilInFlight(served.gate, 1)
  served.release()
  await held
  await untilInFlight(served.gate, 0)
  client.write(`${POST}1`)
  await untilInFlight(served.gate, 1)
  client.write('23')
  assert.deepEqual((await client.read()).body, 'posted')
  await untilInFlight(served.gate, 0)
  assert.equal(served.gate.shedding().active, false)
})

for (const [which, type, body] of [['whose body came with its head', 'application/json', '123'], ['whose body came later', 'application/json', '1'], ['whose handler begins before its body has come', 'application/octet-stream', '1']] as const) {
  test(`a request ${which} has its place while its handler is at work`, { timeout: 20_000 }, async t => {
    const served = await serve(t, 1)
    const client = await served.open()
    client.write(`${POST.replace('/', '/hold').replace('application/json', type)}${body}`)
    if (which === 'whose body came later') {
      await untilInFlight(served.gate, 1)
      client.write('23')
    }
    while (served.holds() < 1) await sleep(1)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(await statusOf(served), 503)
    served.release()
    assert.equal((await client.read()).status, 200)
    if (type === 'application/json') await untilInFlight(served.gate, 0)
    assert.equal(await statusOf(served), 200)
  })
}

test('a client that leaves before its body has come leaves no place taken', { timeout: 20_000 }, async t => {
  const served = await serve(t, 1)
  for (let count = 0; count < 3; count++) {
    const client = await served.open()
    client.write(`${POST}1`)
    await untilInFlight(served.gate, 1)
    client.close()
    await untilInFlight(served.gate, 0)
  }
  const held = (await served.open()).get('/hold')
  while (served.holds() < 1) await sleep(1)
  assert.equal(await statusOf(served), 503)
  served.release()
  assert.equal((await held).status, 200)
})
