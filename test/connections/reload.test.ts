// Rolling reload under keep-alive clients that never retry.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { startCluster } from './setup.ts'
import type { TestCluster } from './setup.ts'

// A load that leaves a small machine the time to boot workers; the bench of reloads is at full speed.
const THINK = 300

const fast = { workers: 2, reload: { stableFor: 100 } }

function versionFile (t: TestContext, version: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'version-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = path.join(folder, 'version')
  writeFileSync(file, version)
  return file
}

/** A line that is not there yet, however many like it were before. */
function next (cluster: TestCluster, ...events: string[]): Promise<Record<string, unknown>> {
  const seen = cluster.lines().length
  return cluster.line(line => events.includes(String(line['event'])) && cluster.lines().indexOf(line) >= seen, events.join(' or '))
}

async function order (cluster: TestCluster, type: 'reload' | 'workers', ...events: string[]): Promise<Record<string, unknown>> {
  const answer = next(cluster, ...events)
  cluster.send({ type })
  return answer
}

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  void test(`reloads under load fail no request and close no connection (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...fast, scheduling } })
    const load = startLoad({ target: cluster.target, connections: 60, random: seeded(7), think: THINK, reconnect: 'never' })
    await load.reached(200)
    for (let generation = 2; generation <= 3; generation++) {
      const { report } = await order(cluster, 'reload', 'reloaded', 'reload-rejected') as { report: { generation: number } }
      assert.equal(report.generation, generation)
    }
    await load.reached(200)
    const { failures, endings, statuses, workers } = await load.stop()
    assert.deepEqual(failures, [])
    assert.deepEqual(endings, { announced: 0, idle: 0, cut: 0 })
    assert.deepEqual(Object.keys(statuses), ['200'])
    assert.deepEqual([...workers].toSorted(), ['1', '2'])
  })
}

void test('SIGHUP runs the code that is on disk now', async t => {
  const version = versionFile(t, 'v1')
  const cluster = await startCluster(t, { options: fast, version })
  const client = await connect(cluster.target)
  t.after(() => client.close())
  assert.equal(JSON.parse((await client.get('/')).body).code, 'v1')
  writeFileSync(version, 'v2')
  cluster.kill('SIGHUP')
  await cluster.event('reload-done')
  const answer = await client.get('/')
  assert.equal(JSON.parse(answer.body).code, 'v2')
  assert.equal(answer.headers['x-worker-generation'], '2')
})

for (const [code, cause] of [['broken', /broken/], ['dies', /code 7/]] as const) {
  void test(`new code that ${code === 'broken' ? 'does not boot' : 'dies before it has proved itself'} leaves the old workers serving`, async t => {
    const version = versionFile(t, 'v1')
    const cluster = await startCluster(t, { options: { ...fast, reload: { stableFor: 2_000 } }, version })
    const client = await connect(cluster.target)
    t.after(() => client.close())
    // Not silent from the start: that would be a slow client, which gets 408.
    assert.equal(JSON.parse((await client.get('/')).body).code, 'v1')
    const before = await order(cluster, 'workers', 'workers') as { workers: Array<{ pid: number }> }
    writeFileSync(version, code)
    const rejected = await order(cluster, 'reload', 'reload-rejected', 'reloaded')
    assert.equal(rejected['code'], 'FST_CLUSTERIZE_RELOAD_FAILED')
    assert.match(String(rejected['cause']), cause)
    const after = await order(cluster, 'workers', 'workers') as { workers: Array<{ pid: number, state: string }> }
    assert.deepEqual(after.workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid), before.workers.map(({ pid }) => pid))
    const still = await client.get('/')
    assert.equal(JSON.parse(still.body).code, 'v1', JSON.stringify(still))
    writeFileSync(version, 'v3')
    await order(cluster, 'reload', 'reloaded', 'reload-rejected')
    assert.equal(JSON.parse((await client.get('/')).body).code, 'v3')
  })
}

void test('with scheduling by request, connections are kept as long as the newest code says', { timeout: 25_000 }, async t => {
  const version = versionFile(t, 'v1')
  const cluster = await startCluster(t, { options: { ...fast, workers: 1, scheduling: 'request' }, version })
  const client = await connect(cluster.target)
  await client.get('/')
  writeFileSync(version, 'brief')
  await order(cluster, 'reload', 'reloaded', 'reload-rejected')
  assert.equal(JSON.parse((await client.get('/')).body).code, 'brief')
  assert.equal(await client.ended, 'idle')
})

void test('a request in flight finishes in the old worker, and its connection goes on in a new one', async t => {
  const cluster = await startCluster(t, { options: fast })
  const client = await connect(cluster.target)
  t.after(() => client.close())
  client.write('GET /wait/1500 HTTP/1.1\r\nhost: test\r\n\r\n')
  await order(cluster, 'reload', 'reloaded', 'reload-rejected')
  const slow = await client.read()
  assert.equal(slow.headers['x-worker-generation'], '1')
  assert.notEqual(slow.headers['connection'], 'close')
  // A request that is faster than the move is still the old worker's.
  await until(async () => (await client.get('/')).headers['x-worker-generation'] === '2', () => 'a response of the new worker on the same connection')
  assert.equal(client.isEnding(), false)
})

void test('with ip-hash a connection that moves stays with the slot of its address', async t => {
  const cluster = await startCluster(t, { options: { workers: 3, scheduling: 'connection', balancer: 'ip-hash', reload: { stableFor: 0 } } })
  const clients = await Promise.all(Array.from({ length: 8 }, (_, index) => connect({ ...cluster.target, localAddress: `127.0.0.${index + 1}` })))
  t.after(() => { for (const client of clients) client.close() })
  const slots = async (): Promise<unknown[]> => (await Promise.all(clients.map(client => client.get('/')))).map(({ headers }) => headers['x-worker-id'])
  const before = await slots()
  cluster.send({ type: 'reload' })
  await cluster.event('reloaded')
  assert.deepEqual(await slots(), before)
})

void test('reloads asked for during a reload share one more reload behind it', async t => {
  const cluster = await startCluster(t, { options: fast })
  for (let count = 0; count < 3; count++) cluster.send({ type: 'reload' })
  const generations = new Set<number>()
  await cluster.line(line => {
    if (line['event'] === 'reloaded') generations.add((line['report'] as { generation: number }).generation)
    return generations.size === 2
  })
  assert.deepEqual([...generations], [2, 3])
  const { workers } = await order(cluster, 'workers', 'workers') as { workers: Array<{ generation: number, state: string }> }
  assert.ok(workers.filter(({ state }) => state === 'ready').every(({ generation }) => generation === 3))
})

void test('a worker that is killed during a reload is replaced by the new generation, and the reload completes', async t => {
  const cluster = await startCluster(t, { options: { ...fast, reload: { stableFor: 500 } } })
  const { workers } = await order(cluster, 'workers', 'workers') as { workers: Array<{ id: number, pid: number }> }
  const done = next(cluster, 'reloaded', 'reload-rejected')
  cluster.send({ type: 'reload' })
  await cluster.event('reload-started')
  process.kill(workers.find(({ id }) => id === 2)?.pid ?? 0, 'SIGKILL')
  assert.equal((await done)['event'], 'reloaded')
  const after = await order(cluster, 'workers', 'workers') as { workers: Array<{ generation: number, state: string }> }
  assert.deepEqual(after.workers.filter(({ state }) => state === 'ready').map(({ generation }) => generation), [2, 2])
})

void test('a stop during a reload wins: the reload is rejected and nothing is left', async t => {
  const cluster = await startCluster(t, { options: { ...fast, reload: { stableFor: 20_000 } } })
  cluster.send({ type: 'reload' })
  await cluster.event('reload-started')
  const pids = descendants(cluster.pid)
  cluster.kill('SIGTERM')
  assert.equal((await cluster.event('reload-rejected'))['code'], 'FST_CLUSTERIZE_STOPPED')
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
  await noneLeft(pids)
})

void test('a WebSocket holds the old worker while the slot is served by the new one', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, reload: { stableFor: 100 }, drainTimeout: 20_000 } })
  const { host, port } = cluster.target as { host: string, port: number }
  const socket = new WebSocket(`ws://${host}:${port}/ws`)
  t.after(() => socket.close())
  await once(socket, 'open')
  const echo = (text: string): Promise<string> => new Promise(resolve => {
    socket.once('message', (data: Buffer) => resolve(data.toString()))
    socket.send(text)
  })
  const before = await echo('a')
  await order(cluster, 'reload', 'reloaded', 'reload-rejected')
  assert.equal((await echo('b')).split(':')[0], before.split(':')[0])
  const client = await connect(cluster.target)
  assert.equal((await client.get('/')).headers['x-worker-generation'], '2')
  client.close()
  socket.close()
  await cluster.line(line => line['event'] === 'worker-exit' && line['generation'] === 1)
})

void test('a stop does not wait for a connection that has moved and has been silent since', async t => {
  const cluster = await startCluster(t, { options: { ...fast, workers: 1, idleGrace: 100, drainTimeout: 120_000 } })
  const client = await connect(cluster.target)
  await client.get('/')
  await order(cluster, 'reload', 'reloaded', 'reload-rejected')
  assert.equal(client.isEnding(), false)
  cluster.kill('SIGTERM')
  assert.equal(await client.ended, 'idle')
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
})

void test('a connection that closes after it has moved, without another request, makes room for the next', async t => {
  const cluster = await startCluster(t, { options: { ...fast, workers: 1, scheduling: 'connection', maxConnections: 1, queue: { timeout: 20_000 } } })
  const client = await connect(cluster.target)
  await client.get('/')
  await order(cluster, 'reload', 'reloaded', 'reload-rejected')
  client.close()
  assert.equal((await (await connect(cluster.target)).get('/')).status, 200)
})
