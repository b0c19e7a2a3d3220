import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import { statusSchema } from '../../src/admin/status-schema.ts'
import { launch, ended, startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import { until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { startLoad } from '../helpers/load.ts'
import { get } from '../helpers/get.ts'
import { listen } from './events-client.ts'
import { ask, runtimeFolder, statusOf, TOKEN } from './setup.ts'
import type { Where } from './setup.ts'

interface Admin { readonly cluster: Cluster, readonly socket: string, readonly unix: Where, readonly tcp: { readonly host: string, readonly port: number } }

const FUZZ_SEED = 20_260_801
const MODE_BITS = 0o777

test('an admin server', async t => {
  const { env, socketOf } = runtimeFolder(t)
  const socket = socketOf('shop')
  const cluster = await startCluster(t, { options: { name: 'shop', workers: 2, snapshotInterval: 50, reload: { stableFor: 50 }, admin: { port: 0, token: TOKEN, hosts: ['ops.example'] } } }, { env })
  const { addresses } = await cluster.event('admin-ready') as unknown as { addresses: readonly string[] }
  const [, tcp = ''] = addresses
  const admin: Admin = { cluster, socket, unix: { socketPath: socket }, tcp: { host: '127.0.0.1', port: Number(tcp.split(':')[1]) } }

  await t.test('listens on a socket that only its user may open, and on loopback', () => checkAddresses(addresses, admin))
  await t.test('tells that it lives, that it is ready, and everything about itself', () => checkReading(admin))
  await t.test('lets whoever asks by TCP read, and change only with the token', () => checkToken(admin))
  await t.test('refuses foreign names and pages', () => checkForeign(admin))
  await t.test('describes its routes', () => checkDescription(admin))
  await t.test('scales, reloads, recycles and sets log levels, and tells of it as it happens', () => checkOrders(admin))
  await t.test('keeps a second cluster from its name', () => checkName(t, env))
  await t.test('survives nonsense, and the cluster serves on', () => checkNonsense(admin))
  await t.test('stops the cluster, and ends last', () => checkStop(admin))
})

function checkAddresses (addresses: readonly string[], { socket, tcp }: Admin): void {
  assert.deepEqual(addresses, [socket, `${tcp.host}:${tcp.port}`])
  if (process.platform === 'win32') return
  assert.equal(statSync(socket).mode & MODE_BITS, 0o600)
  assert.equal(statSync(path.dirname(socket)).mode & MODE_BITS, 0o700)
}

async function checkReading ({ cluster, unix, tcp }: Admin): Promise<void> {
  for (const where of [unix, tcp]) {
    assert.deepEqual((await ask(where, '/livez')).json, { live: true })
    const ready = await ask(where, '/readyz')
    assert.deepEqual([ready.status, ready.json], [200, { ready: true, reasons: [], workers: 2, minReady: 1 }])
    assert.equal(ready.headers['cache-control'], 'no-store')
    assert.equal((await ask(where, '/nowhere')).status, 404)
  }
  for (let sent = 0; sent < 5; sent++) assert.equal((await get({ ...cluster.target, path: '/' })).status, 200)
  await until(async () => (await statusOf(unix)).totals.requests === 5, () => 'five requests in the status')
  const status = await statusOf(unix)
  assert.deepEqual(status.slots.map(({ id, state, pid }) => ({ id, state, pid })), [1, 2].map(id => ({ id, state: 'ready', pid: cluster.pidOf(id) })))
  assert.deepEqual({ ...status.totals.responses }, { '1xx': 0, '2xx': 5, '3xx': 0, '4xx': 0, '5xx': 0 })
  assert.equal(status.pid, cluster.pid)
  await assertMatches(status)
}

/** By Fastify's own validation, which knows no mercy with these options. */
async function assertMatches (status: object): Promise<void> {
  const app = Fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } } })
  app.post('/', { schema: { body: statusSchema } }, async () => ({}))
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/', payload: status })
  assert.equal(statusCode, 200, body)
}

async function checkToken ({ tcp }: Admin): Promise<void> {
  const orders = [['/reload', undefined], ['/scale', { workers: 1 }], ['/workers/1/recycle', undefined], ['/stop', undefined], ['/log-level', { level: 'silent' }]] as const
  for (const [url, json] of orders) {
    for (const authorization of [undefined, `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
      const answer = await ask(tcp, url, { method: 'POST', json, headers: authorization === undefined ? {} : { authorization } })
      assert.deepEqual([answer.status, answer.json['code'], answer.headers['www-authenticate']], [401, 'FST_CLUSTERIZE_ADMIN_TOKEN', 'Bearer'], url)
    }
  }
  const answer = await ask(tcp, '/log-level', { method: 'POST', json: { level: 'info' }, headers: { authorization: `Bearer ${TOKEN}` } })
  assert.deepEqual([answer.status, answer.json], [200, { level: 'info' }])
}

async function checkForeign ({ tcp, unix }: Admin): Promise<void> {
  const authorization = `Bearer ${TOKEN}`
  for (const url of ['/status', '/livez', '/nowhere']) {
    for (const where of [tcp, unix]) {
      const answer = await ask(where, url, { headers: { host: 'evil.example', authorization } })
      assert.deepEqual([answer.status, answer.json['code']], [403, 'FST_CLUSTERIZE_ADMIN_FOREIGN'])
    }
  }
  assert.equal((await ask(tcp, '/status', { headers: { host: 'ops.example:80' } })).status, 200)
  for (const where of [tcp, unix]) {
    const posted = await ask(where, '/stop', { method: 'POST', headers: { origin: 'https://evil.example', authorization } })
    assert.deepEqual([posted.status, posted.json['code']], [403, 'FST_CLUSTERIZE_ADMIN_FOREIGN'])
  }
  assert.equal((await ask(tcp, '/status', { headers: { origin: `http://${tcp.host}:${tcp.port}` } })).status, 200)
}

async function checkDescription ({ unix }: Admin): Promise<void> {
  const { json } = await ask(unix, '/openapi.json')
  const paths = json['paths'] as Record<string, Record<string, { responses: object }>>
  assert.equal(json['openapi'], '3.1.0')
  for (const url of ['/', '/dashboard/{file}', '/livez', '/readyz', '/status', '/history', '/metrics', '/events', '/openapi.json']) assert.ok(paths[url]?.['get'], url)
  for (const url of ['/reload', '/scale', '/workers/{id}/recycle', '/stop', '/log-level']) assert.ok(paths[url]?.['post'], url)
}

async function checkOrders ({ cluster, unix }: Admin): Promise<void> {
  const events = await listen(unix)
  const first = events.seen()
  assert.deepEqual((await events.find(({ event }) => event === 'status')).event, 'status')
  assert.deepEqual(first.slice(0, 2).map(({ id, event }) => [id, event]), [['1', 'worker-ready'], ['2', 'worker-ready']])

  for (const json of [{}, { workers: 0 }, { workers: '3' }, { workers: 2.5 }, { workers: 3, more: 1 }, [], 'text']) assert.equal((await ask(unix, '/scale', { method: 'POST', json })).status, 400, JSON.stringify(json))
  assert.deepEqual((await ask(unix, '/scale', { method: 'POST', json: { workers: 3 } })).json, { workers: 3 })
  const reloaded = await ask(unix, '/reload', { method: 'POST' })
  assert.deepEqual([reloaded.status, reloaded.json['generation']], [200, 2])
  await events.find(({ event, data }) => event === 'reload' && data['state'] === 'started')
  await events.find(({ event, data }) => event === 'reload' && data['state'] === 'done' && data['generation'] === 2)
  const { lastReload, reload, slots, totals } = await statusOf(unix)
  assert.deepEqual([lastReload?.state, lastReload?.generation, reload, slots.map(({ generation }) => generation), totals.requests], ['done', 2, null, [2, 2, 2], 5])

  const old = cluster.pidOf(1)
  // Whoever asks meanwhile is told of the same replacement, however many they are.
  const recycled = await Promise.all(Array.from({ length: 12 }, () => ask(unix, '/workers/1/recycle', { method: 'POST' })))
  // An answer may overtake the line of the log.
  await cluster.event('worker-ready', line => line['pid'] === recycled[0]?.json['pid'])
  for (const { status, json } of recycled) assert.deepEqual([status, json['id'], json['generation'], json['pid']], [200, 1, 2, cluster.pidOf(1)])
  assert.doesNotMatch(cluster.stderr(), /MaxListeners/)
  await events.find(({ event, data }) => event === 'worker-exit' && data['pid'] === old && data['kind'] === 'recycled')
  for (const [url, expected] of [['/workers/9/recycle', 404], ['/workers/x/recycle', 400]] as const) assert.equal((await ask(unix, url, { method: 'POST' })).status, expected)

  assert.deepEqual((await ask(unix, '/log-level', { method: 'POST', json: { level: 'debug' } })).json, { level: 'debug' })
  assert.equal((await ask(unix, '/log-level', { method: 'POST', json: { level: 'loud' } })).status, 400)
  // The fixture's app logs from 'warn' on until it is told otherwise.
  await until(async () => {
    await get({ ...cluster.target, path: '/' })
    return cluster.lines().some(line => line['msg'] === 'request completed' && line['worker'] !== undefined)
  }, () => 'a log line of an app')
  await ask(unix, '/log-level', { method: 'POST', json: { level: 'info' } })
  events.close()
}

async function checkName (t: TestContext, env: Readonly<Record<string, string>>): Promise<void> {
  const second = launch(t, { options: { name: 'shop', workers: 1, admin: true }, onRejection: 'swallow' }, { env })
  const { error } = await second.event('rejected') as { error: { code: string, cause: { code: string } } }
  assert.deepEqual([error.code, error.cause.code], ['FST_CLUSTERIZE_BOOT_FAILED', 'FST_CLUSTERIZE_ADMIN_TAKEN'])
  await ended(second)
}

async function checkNonsense ({ cluster, unix, tcp }: Admin): Promise<void> {
  const load = startLoad({ target: cluster.target, connections: 8, random: seeded(FUZZ_SEED), think: 2, pieces: false })
  const random = seeded(FUZZ_SEED)
  // Clients that never finish what they began, and one that never reads.
  const slow = Array.from({ length: 20 }, (_, index) => hold(tcp, index % 2 === 0 ? 'GET /status HTTP/1.1\r\nhost: ' : 'POST /scale HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{'))
  slow.push(hold(tcp, 'GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n'))
  const deaf = slow.at(-1)
  deaf?.pause()
  for (let round = 0; round < 40; round++) await Promise.all([tcp, { path: 'socketPath' in unix ? unix.socketPath : '' }].map(where => sendNonsense(where, nonsense(random))))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
  // As often as it takes on a machine that has other things to do.
  await until(async () => (await Promise.all(Array.from({ length: 400 }, () => ask({ ...tcp, agent }, '/nowhere').then(({ status }) => status)))).includes(429), () => 'a flood to be held back')
  agent.destroy()
  assert.equal((await ask(tcp, '/livez')).status, 200, 'and costs no probe its answer')
  for (const socket of slow) socket.destroy()
  assert.equal((await ask(unix, '/livez')).status, 200)
  const { slots, generation } = await statusOf(unix)
  assert.deepEqual([generation, slots.map(({ state }) => state)], [2, ['ready', 'ready', 'ready']])
  await load.reached(100)
  const { failures, statuses } = await load.stop()
  assert.deepEqual([failures, Object.keys(statuses)], [[], ['200']])
  assert.equal(cluster.lines().filter(({ event }) => event === 'primary-failed' || event === 'admin-failed').length, 0)
}

function hold (where: net.NetConnectOpts, bytes: string): net.Socket {
  const socket = net.connect(where)
  socket.on('error', () => {}).write(bytes)
  return socket
}

/** Sends, reads whatever comes, and goes after the answer or at once. */
function sendNonsense (where: net.NetConnectOpts, bytes: Buffer): Promise<void> {
  return new Promise(resolve => {
    const socket = net.connect(where)
    const timer = setTimeout(() => socket.destroy(), 30)
    socket.on('error', () => {}).on('data', () => socket.destroy()).once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.write(bytes)
  })
}

const PARTS = ['GET ', 'POST ', 'OPTIONS ', 'PUT ', 'CONNECT ', 'TRACE ', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'upgrade: websocket\r\nconnection: upgrade', 'expect: 100-continue', 'last-event-id: 1e999', '/status', '/scale', '/reload/', '/workers/1/recycle', '/workers/%00/recycle', '/../../etc/passwd', '/events?x=%ff', ' HTTP/1.1', ' HTTP/9.9', '\r\n', '\r\n\r\n', 'host: localhost', 'host: evil.example', 'content-length: 99999999', 'content-length: -1', 'transfer-encoding: chunked', 'content-type: application/json', 'content-type: text/plain', 'authorization: Bearer ', '{"workers":', '1e999}', '{"__proto__":{"x":1}}', 'ffffffff\r\n', '\0', 'x'.repeat(20_000)]

function nonsense (random: () => number): Buffer {
  const pick = <T> (from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  const kind = random()
  if (kind < 0.3) return Buffer.from(Array.from({ length: Math.ceil(random() * 2_000) }, () => Math.floor(random() * 256)))
  if (kind < 0.6) return Buffer.from(Array.from({ length: Math.ceil(random() * 12) }, () => pick(PARTS)).join(''))
  const body = kind < 0.8 ? 'x'.repeat(Math.ceil(random() * 100_000)) : `{"workers":${'['.repeat(2_000)}`
  return Buffer.from(`POST ${pick(['/scale', '/log-level', '/stop?', '/'])}x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
}

async function checkStop ({ cluster, unix, socket }: Admin): Promise<void> {
  const events = await listen(unix)
  const stopped = await ask(unix, '/stop', { method: 'POST' })
  assert.deepEqual([stopped.status, stopped.json], [202, { stopping: true }])
  await events.find(({ event }) => event === 'stop')
  await events.ended
  const exits = events.seen().filter(({ event, data }) => event === 'worker-exit' && data['kind'] === 'stopped')
  assert.equal(exits.length, 3)
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  assert.equal(existsSync(socket), false)
}
