// `workers: 0`: one process that answers, stops and fails as a cluster does.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { get } from '../helpers/get.ts'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { holdRequest } from './connect-to.ts'
import { count, ended, launch, order, startCluster } from './start-cluster.ts'

interface Told { code?: string, message: string, stack: string, cause?: Told }

const CLEAN = { code: 0, signal: null }
const UNCLEAN = { code: 1, signal: null }

for (const withoutPlugin of [false, true]) {
  test(`with workers: 0 the process itself serves and says so in the headers (plugin by ${withoutPlugin ? 'clusterize' : 'buildApp'})`, async t => {
    const plugin = { headers: { pid: true, generation: true }, underPressure: false, shedding: false } as const
    const single = await startCluster(t, { options: { workers: 0, plugin }, withoutPlugin })

    const { status, headers } = await get({ ...single.target, path: '/' })

    assert.equal(status, 200)
    assert.deepEqual([headers['x-worker-id'], headers['x-worker-pid'], headers['x-worker-generation']], ['1', String(single.pid), '1'])
    assert.equal(count(single, 'forked'), 0)
  })
}

test('with workers: 0 a SIGTERM under load cuts no request', async t => {
  const single = await startCluster(t, { options: { workers: 0 } })
  const load = startLoad({ target: single.target, connections: 20, random: seeded(6), think: 10, reconnect: 'never' })
  await load.reached(200)

  single.kill('SIGTERM')

  assert.deepEqual(await ended(single), CLEAN)
  const report = await load.stop()
  assert.deepEqual(report.failures, [])
  assert.equal(report.endings.cut, 0)
  assert.equal(single.stderr(), '')
})

test('with workers: 0 a stop waits for what is in flight, serves idle connections once more, and runs onClose', async t => {
  const single = await startCluster(t, { options: { workers: 0, idleGrace: 10_000 } })
  const held = await holdRequest(await connect(single.target))
  const idle = await connect(single.target)
  await idle.get('/')

  single.killGroup('SIGINT')
  await single.event('draining')
  const once = await idle.get('/')
  const answer = await held.finish()

  assert.equal(once.headers['connection'], 'close')
  assert.equal(answer.headers['connection'], 'close')
  assert.deepEqual(await ended(single), CLEAN)
  assert.equal(count(single, 'app-closed'), 1)
})

test('with workers: 0 a second signal ends the process at once', async t => {
  const single = await startCluster(t, { options: { workers: 0 } })
  const held = await holdRequest(await connect(single.target))

  single.kill('SIGTERM')
  await single.event('draining')
  const from = performance.now()
  await until(() => performance.now() > from + 500, () => 'half a second')
  single.kill('SIGTERM')

  assert.deepEqual(await ended(single), UNCLEAN)
  assert.equal(await held.connection.ended, 'cut')
})

test('with workers: 0 a request that does not end within drainTimeout does not hold the process', async t => {
  const single = await startCluster(t, { options: { workers: 0, drainTimeout: 500, idleGrace: 100 } })
  const held = await holdRequest(await connect(single.target))

  single.kill('SIGTERM')

  assert.deepEqual(await ended(single), UNCLEAN)
  assert.equal(await held.connection.ended, 'cut')
})

test('with workers: 0 close() drains the app and leaves the process', async t => {
  const single = await startCluster(t, { options: { workers: 0 } })
  const held = await holdRequest(await connect(single.target))

  order(single, 'close')
  await single.event('draining')

  assert.equal((await held.finish()).status, 200)
  await single.event('closed')
  // Nothing of it is left that would keep the process alive.
  assert.deepEqual(await ended(single), CLEAN)
})

test('with workers: 0 the signal option closes the app', async t => {
  const single = await startCluster(t, { options: { workers: 0 }, signalOption: 'by-order' })

  order(single, 'abort')

  await single.event('app-closed')
})

test('with workers: 0 an uncaught error lets requests in flight finish and ends the process with 1', async t => {
  const single = await startCluster(t, { options: { workers: 0 } })
  const held = await holdRequest(await connect(single.target))

  await (await connect(single.target)).get('/fail')
  await single.event('draining')

  assert.equal((await held.finish()).status, 200)
  assert.deepEqual(await ended(single), UNCLEAN)
  const fatal = await single.line(({ level }) => level === 60) as { err?: { message: string, stack: string } }
  assert.equal(fatal.err?.message, 'failed on purpose')
  assert.match(fatal.err.stack, /fixtures\/app\.[jt]s/)
})

for (const [kind, code, message] of [
  ['throws', undefined, /^buildApp threw$/],
  ['rejects-with-code', 'ECONNREFUSED', /^no database$/],
  ['never-resolves', 'FST_CLUSTERIZE_BOOT_TIMEOUT', /bootTimeout/],
  ['not-fastify', 'FST_CLUSTERIZE_NOT_FASTIFY', /listen: 'me'/],
  ['already-listening', 'FST_CLUSTERIZE_ALREADY_LISTENING', /app\.listen/],
  ['registers-a-broken-plugin', undefined, /^the plugin broke$/]
] as const) {
  test(`with workers: 0 a buildApp that ${kind} rejects clusterize() with its error`, async t => {
    const single = launch(t, { options: { workers: 0, bootTimeout: 500 }, misbehaviour: { kind } })

    const { error } = await single.event('rejected') as unknown as { error: Told }

    assert.equal(error.code, 'FST_CLUSTERIZE_BOOT_FAILED')
    assert.equal(error.cause?.code, code)
    assert.match(error.cause?.message ?? '', message)
    // An app that listens keeps its process alive, as it would without this package.
    if (kind !== 'already-listening') assert.deepEqual(await ended(single), UNCLEAN)
  })
}

test('with workers: 0 a port that is in use rejects clusterize()', async t => {
  const server = net.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo
  const single = launch(t, { options: { workers: 0, port } })

  const { error } = await single.event('rejected') as unknown as { error: Told }

  assert.deepEqual([error.code, error.cause?.code], ['FST_CLUSTERIZE_BOOT_FAILED', 'EADDRINUSE'])
  assert.deepEqual(await ended(single), UNCLEAN)
})
