// The bounded queue, by connection and by request.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'
import { until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { dispatchOf, startCluster } from './setup.ts'
import type { TestCluster } from './setup.ts'

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`

/** Waits until so many are in the queue, which no client can see. */
async function queued (cluster: TestCluster, count: number): Promise<void> {
  await until(async () => (await dispatchOf(cluster)).queued === count, () => `${count} in the queue`)
}

/** One worker, busy with one connection or request; everybody else waits. */
const limits = {
  connection: { workers: 1, scheduling: 'connection', maxConnections: 1 },
  request: { workers: 1, scheduling: 'request', concurrency: 1 }
} as const

for (const scheduling of ['connection', 'request'] as const) {
  const options = limits[scheduling]

  /** Occupies the only place there is for `ms`, and closes its connection behind the response. */
  const occupy = async (cluster: TestCluster, ms: number): Promise<HttpConnection> => {
    const client = await connect(cluster.target)
    client.write(`GET /wait/${ms} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n`)
    return client
  }

  void test(`what finds every worker busy waits its turn and is served (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options })
    const first = await occupy(cluster, 600)
    const others = await Promise.all([1, 2, 3].map(() => connect(cluster.target)))
    for (const client of others) client.write('GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n')
    await queued(cluster, 3)
    assert.equal((await first.read()).status, 200)
    for (const client of others) assert.equal((await client.read()).status, 200)
    const { queued: left, rejectedFull, rejectedTimeout } = await dispatchOf(cluster)
    assert.deepEqual([left, rejectedFull, rejectedTimeout], [0, 0, 0])
  })

  void test(`over the limit of the queue the primary answers 503 at once (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...options, queue: { limit: 1 } } })
    const first = await occupy(cluster, 800)
    const second = await connect(cluster.target)
    second.write(GET('/'))
    await queued(cluster, 1)
    const third = await connect(cluster.target)
    third.write(GET('/'))
    const refused = await third.read()
    assert.equal(refused.status, 503)
    assert.match(refused.headers['retry-after'] ?? '', /^[123]$/)
    assert.equal(JSON.parse(refused.body).code, 'FST_CLUSTERIZE_QUEUE_FULL')
    assert.equal(await third.ended, 'announced')
    assert.equal((await first.read()).status, 200)
    assert.equal((await second.read()).status, 200)
    second.close()
    assert.equal((await dispatchOf(cluster)).rejectedFull, 1)
  })

  void test(`over the time limit of the queue the primary answers 503 (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...options, queue: { timeout: 100 } } })
    const first = await occupy(cluster, 1_500)
    const second = await connect(cluster.target)
    second.write(GET('/'))
    assert.equal((await second.read()).status, 503)
    assert.equal((await first.read()).status, 200)
    assert.equal((await dispatchOf(cluster)).rejectedTimeout, 1)
  })

  void test(`a client that hangs up leaves the queue (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options })
    const first = await occupy(cluster, 1_000)
    const second = await connect(cluster.target)
    second.write(GET('/'))
    await queued(cluster, 1)
    second.close()
    await queued(cluster, 0)
    assert.equal((await first.read()).status, 200)
  })

  void test(`nothing that waits is lost when the worker dies (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options })
    const first = await occupy(cluster, 20_000)
    first.read().catch(() => {})
    const others = await Promise.all([1, 2, 3].map(() => connect(cluster.target)))
    for (const client of others) client.write('GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n')
    await queued(cluster, 3)
    const ready = cluster.lines().find(line => line['event'] === 'worker-ready')
    process.kill(Number(ready?.['pid']), 'SIGKILL')
    for (const client of others) assert.equal((await client.read()).status, 200)
    assert.equal(await first.ended, 'cut')
  })

  void test(`nothing that waits is lost when the worker is replaced by a reload (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...options, reload: { stableFor: 50 } } })
    const first = await occupy(cluster, 3_000)
    const second = await connect(cluster.target)
    second.write(GET('/'))
    await queued(cluster, 1)
    cluster.send({ type: 'reload' })
    const answer = await second.read()
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-worker-generation'], '2')
    assert.equal((await first.read()).headers['x-worker-generation'], '1')
    second.close()
  })

  void test(`what waits at a stop is served before the cluster goes (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options })
    const first = await occupy(cluster, 700)
    const second = await connect(cluster.target)
    second.write(GET('/'))
    await queued(cluster, 1)
    cluster.kill('SIGTERM')
    assert.equal((await first.read()).status, 200)
    const answer = await second.read()
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['connection'], 'close')
    assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
  })
}

void test('a request goes to the worker that is free, whatever connection it is on', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, scheduling: 'request', concurrency: 1 } })
  const [slow, quick] = await Promise.all([connect(cluster.target), connect(cluster.target)])
  const before = await slow.get('/')
  assert.equal(before.status, 200)
  slow.write(GET('/block/1500'))
  await cluster.event('blocking')
  // While one worker's loop is blocked, every other request is the other worker's.
  const ids = new Set<string | undefined>()
  for (let count = 0; count < 10; count++) ids.add((await quick.get('/')).headers['x-worker-id'])
  const blocked = (await slow.read()).headers['x-worker-id']
  assert.deepEqual([...ids], [blocked === '1' ? '2' : '1'])
  slow.close()
  quick.close()
})

void test('clients that leave at any moment take no place with them', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, scheduling: 'request', concurrency: 2 } })
  const random = seeded(7)
  const request = 'POST /echo HTTP/1.1\r\nhost: test\r\ncontent-type: application/octet-stream\r\ncontent-length: 20\r\n\r\n01234567890123456789'
  await Promise.all(Array.from({ length: 60 }, async () => {
    const client = await connect(cluster.target)
    if (random() < 0.3) await client.get('/')
    const bytes = random() < 0.5 ? request.slice(0, Math.floor(random() * request.length)) : GET('/wait/10')
    client.write(bytes)
    for (let turns = Math.floor(random() * 6); turns > 0; turns--) await new Promise(setImmediate)
    if (random() < 0.5) client.socket.resetAndDestroy()
    else client.close()
  }))
  const others = await Promise.all([1, 2, 3].map(() => connect(cluster.target)))
  for (let count = 0; count < 3; count++) for (const answer of await Promise.all(others.map(client => client.get('/')))) assert.equal(answer.status, 200)
  await queued(cluster, 0)
  for (const client of others) client.close()
})

void test('parked connections end announced at a stop: one more request each, or the end of the grace', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, scheduling: 'request', idleGrace: 1_000 } })
  const [busy, idle] = await Promise.all([connect(cluster.target), connect(cluster.target)])
  assert.equal((await busy.get('/')).status, 200)
  assert.equal((await idle.get('/')).status, 200)
  cluster.kill('SIGTERM')
  await cluster.event('cluster-stopping')
  // Until the worker has heard of the stop, what it serves is ordinary.
  let last = await busy.get('/')
  while (last.headers['connection'] === 'keep-alive') last = await busy.get('/')
  assert.equal(last.status, 200)
  assert.equal(last.headers['connection'], 'close')
  assert.equal(await busy.ended, 'announced')
  assert.equal(await idle.ended, 'idle')
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
})

void test('a request of which a part has arrived when a stop begins is served, however long after the grace the rest comes', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, scheduling: 'request', idleGrace: 50 } })
  const [partial, idle] = await Promise.all([connect(cluster.target), connect(cluster.target)])
  await Promise.all([partial.get('/'), idle.get('/')])
  partial.write('GET / HT')
  cluster.kill('SIGTERM')
  assert.equal(await idle.ended, 'idle')
  partial.write('TP/1.1\r\nhost: test\r\n\r\n')
  const { status, headers } = await partial.read()
  assert.deepEqual([status, headers['connection']], [200, 'close'])
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
})

void test('a client that never completes its request holds a stop up no longer than until its 408', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, scheduling: 'request', idleGrace: 50, drainTimeout: 120_000 } })
  const client = await connect(cluster.target)
  client.write('GET / HT')
  cluster.kill('SIGTERM')
  assert.equal((await client.read()).status, 408)
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
})

void test('a response that began before a stop brings its connection back, for one more request that announces the end', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, scheduling: 'request', idleGrace: 1_000 } })
  const client = await connect(cluster.target)
  const begun = once(client.socket, 'data')
  client.write(GET('/stream/200'))
  await begun
  cluster.kill('SIGTERM')
  const { headers, body } = await client.read()
  assert.deepEqual([headers['connection'], body], ['keep-alive', 'begun, done'])
  const last = await client.get('/')
  assert.deepEqual([last.status, last.headers['connection']], [200, 'close'])
  assert.equal(await client.ended, 'announced')
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
})

void test('no request is put behind a long one while handlers block, since another worker is free sooner', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, scheduling: 'request', concurrency: 2 } })
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(cluster.target)))
  // Until it is known that handlers block, and for how long.
  for (let count = 0; count < 12; count++) await Promise.all(clients.map(client => client.get('/block/10')))
  const long = await connect(cluster.target)
  let done = false
  const answer = long.get('/block/3000').then(response => {
    done = true
    return response
  })
  await clients[0]?.get('/block/100')
  for (let count = 0; count < 5; count++) await Promise.all(clients.map(client => client.get('/block/10')))
  assert.equal(done, false)
  assert.equal((await answer).status, 200)
  for (const client of [long, ...clients]) client.close()
})
