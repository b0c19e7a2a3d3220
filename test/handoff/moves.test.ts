// One connection at a time, on real processes: what moves, what never does, and what happens when a process dies on the way.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect, request } from './raw-client.ts'
import type { RawClient } from './raw-client.ts'
import { startSmallCluster } from './small-cluster.ts'
import type { FixtureWorker, SmallCluster, SmallClusterOptions } from './small-cluster.ts'
import type { PrimaryCommand, Started } from './small-cluster-primary.ts'

const OPTIONS = { timeout: 60_000 }

async function start (t: TestContext, options: SmallClusterOptions): Promise<SmallCluster> {
  const cluster = await startSmallCluster(options)
  t.after(() => cluster.close())
  return cluster
}

async function open (t: TestContext, cluster: SmallCluster): Promise<RawClient> {
  const client = await connect({ port: cluster.port, host: '127.0.0.1' })
  t.after(() => client.close())
  return client
}

/** One worker with the client's connection, then a second one that has none. */
async function oneThenAnother (t: TestContext, options: Partial<SmallClusterOptions> = {}, second: Parameters<SmallCluster['add']>[0] = {}): Promise<{ cluster: SmallCluster, client: RawClient, from: FixtureWorker, to: FixtureWorker }> {
  const cluster = await start(t, { workers: 1, ...options })
  const client = await open(t, cluster)
  assert.equal((await client.get('first')).tag, 'w1')
  const to = await cluster.add(second)
  const [from] = cluster.workers()
  assert.ok(from)
  return { cluster, client, from, to }
}

for (const fastify of [false, true]) {
  void test(`an idle connection goes on in another ${fastify ? 'Fastify' : 'HTTP'} worker, which sees the same client`, OPTIONS, async t => {
    const { client, from, to, cluster } = await oneThenAnother(t, { serve: { fastify } })
    assert.deepEqual(await from.give(), { moved: 1, kept: 0, refused: false })
    const { tag, ip } = await client.get('second')
    assert.equal(tag, 'w2')
    assert.equal(ip, '127.0.0.1')
    const [left, taken] = [await from.stats(), await to.stats()]
    assert.deepEqual([left.open, left.movedOut, taken.open, taken.movedIn], [0, 1, 1, 1])
    assert.equal(cluster.relay.counts().held, 0)

    // The one that gave it has nothing left that would keep it from closing.
    await from.close()
    assert.equal((await client.get('third')).tag, 'w2')
    assert.equal(client.failure, undefined)
  })
}

void test('bytes that arrive while the connection is on its way are served by the receiver', OPTIONS, async t => {
  const { client, from } = await oneThenAnother(t)
  const given = from.give()
  const bytes = request('during', { body: Buffer.alloc(300_000, 'x') })
  // The answer may be here before the giver has told of its part.
  const answer = client.read()
  client.write(bytes.subarray(0, 20))
  client.write(bytes.subarray(20))
  await given
  assert.equal((await answer).id, 'during')
})

void test('a connection on which no byte was sent yet moves, and can move on', OPTIONS, async t => {
  const cluster = await start(t, { workers: 1 })
  const client = await open(t, cluster)
  const [from] = cluster.workers()
  assert.ok(from)
  while ((await from.stats()).open === 0) await setTimeout(5)
  const to = await cluster.add()
  assert.equal((await from.give()).moved, 1)
  while ((await to.stats()).idle === 0) await setTimeout(5)
  assert.equal((await to.give()).moved, 1)
  assert.equal((await client.get('a')).tag, 'w1')
})

void test('clients of a Unix socket move too', OPTIONS, async t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'handoff-unix-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const socketPath = path.join(folder, 's')
  const cluster = await start(t, { workers: 1, socketPath })
  const client = await connect({ path: socketPath })
  t.after(() => client.close())
  await client.get('a')
  await cluster.add()
  assert.equal((await cluster.workers()[0]?.give())?.moved, 1)
  assert.equal((await client.get('b')).tag, 'w2')
})

for (const [what, bytes] of [['one byte of a request', 'G'], ['half of its head', 'GET / HTTP/1.1\r\nx-'], ['a head without its body', request('b', { body: Buffer.from('abc') }).subarray(0, -1)]] as const) {
  void test(`a connection that sent ${what} stays`, OPTIONS, async t => {
    const { client, from } = await oneThenAnother(t)
    client.write(bytes)
    // Loopback delivers before the worker's next message: two round trips to be sure.
    await from.stats()
    await from.stats()
    assert.deepEqual(await from.give(), { moved: 0, kept: 0, refused: false })
  })
}

void test('a connection whose response is not sent yet stays, also with a second request behind it', OPTIONS, async t => {
  const { client, from } = await oneThenAnother(t)
  client.write(Buffer.concat([request('slow', { headers: 'x-delay: 300\r\n' }), request('next', { headers: 'x-delay: 2000\r\n' })]))
  await from.stats()
  await from.stats()
  assert.deepEqual(await from.give(), { moved: 0, kept: 0, refused: false })
  assert.equal((await client.read()).id, 'slow')
  assert.equal((await from.give()).moved, 0)
  assert.equal((await client.read()).id, 'next')
})

void test('an upgraded connection stays', OPTIONS, async t => {
  const { client, from } = await oneThenAnother(t)
  client.write(request('ws', { headers: 'connection: upgrade\r\nupgrade: echo\r\n' }))
  assert.equal((await client.read()).status, 101)
  assert.deepEqual(await from.give(), { moved: 0, kept: 0, refused: false })
})

void test('a worker without siblings keeps its connections', OPTIONS, async t => {
  const cluster = await start(t, { workers: 1 })
  const client = await open(t, cluster)
  await client.get('a')
  assert.deepEqual(await cluster.workers()[0]?.give(), { moved: 0, kept: 1, refused: true })
  assert.equal((await client.get('b')).tag, 'w1')
})

void test('the adopted connection is closed by keepAliveTimeout', OPTIONS, async t => {
  const { client, from } = await oneThenAnother(t, {}, { server: { keepAliveTimeout: 50 } })
  // On a loaded machine it may come before the answer of the giver.
  const closed = once(client.socket, 'close')
  await from.give()
  const [hadError] = await closed as [boolean]
  assert.equal(hadError, false)
  assert.equal(client.failure, 'ended')
})

void test('the client learns at once that the new owner closed: no other process holds a copy', OPTIONS, async t => {
  const { client, from, to } = await oneThenAnother(t)
  await from.give()
  assert.equal((await client.get('b')).tag, 'w2')
  await to.kill()
  while (client.failure === undefined) await once(client.socket, 'close')
})

void test('a receiver that dies before its answer does not take the connection with it', OPTIONS, async t => {
  const { cluster, client, from } = await oneThenAnother(t, {}, { diesOnTake: true })
  assert.equal((await from.give()).moved, 1)
  const answer = client.get('b')
  await cluster.add()
  assert.equal((await answer).tag, 'w3')
})

void test('a receiver that hangs is killed later, and the connection lives on elsewhere', OPTIONS, async t => {
  const { cluster, client, from, to } = await oneThenAnother(t)
  await to.freeze()
  assert.equal((await from.give()).moved, 1)
  const answer = client.get('b')
  await cluster.add()
  await to.kill()
  assert.equal((await answer).tag, 'w3')
})

void test('a connection that every worker refuses waits for a new one, and is closed when none comes', OPTIONS, async t => {
  const { cluster, client, from } = await oneThenAnother(t, { waitTimeout: 300, serve: { refuses: true } }, { refuses: true })
  assert.equal((await from.give()).moved, 1)
  await once(client.socket, 'close')
  assert.equal(client.failure, 'ended')
  assert.deepEqual([cluster.relay.counts().held, cluster.relay.counts().closed], [0, 1])
})

void test('the giver may die once the primary holds the connection', OPTIONS, async t => {
  const { client, from } = await oneThenAnother(t)
  await from.give()
  await from.kill()
  assert.equal((await client.get('b')).tag, 'w2')
})

void test('a primary that dies before it holds a connection leaves it with its worker, who serves it', OPTIONS, async t => {
  const primary = fork(fileURLToPath(new URL('small-cluster-primary.ts', import.meta.url)), [JSON.stringify({ workers: 2 })])
  t.after(() => primary.kill('SIGKILL'))
  const [{ port, log, pids }] = await once(primary, 'message') as [Started]
  t.after(() => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    fs.rmSync(path.dirname(log), { recursive: true, force: true })
  })
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect({ port, host: '127.0.0.1' })))
  t.after(() => { for (const client of clients) client.close() })
  const before = await Promise.all(clients.map((client, index) => client.get(`before${index}`)))

  const tell = (command: PrimaryCommand): boolean => primary.send(command)
  tell({ type: 'churn', every: 400 })
  await once(primary, 'message')
  tell({ type: 'stop-yourself' })
  const owners = new Set(before.map(({ tag }) => tag))
  while (![...owners].every(tag => fs.readFileSync(log, 'utf8').includes(`G ${tag}\n`))) await setTimeout(5)
  primary.kill('SIGKILL')
  await once(primary, 'exit')
  const after = await Promise.all(clients.map((client, index) => client.get(`after${index}`)))
  assert.deepEqual(after.map(({ tag }) => tag), before.map(({ tag }) => tag))
  assert.deepEqual(clients.map(({ failure }) => failure), clients.map(() => undefined))
})
