// Requests that a worker was sent and has not begun, since its loop is kept.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'
import { seeded } from '../helpers/random.ts'
import { dispatchOf, startCluster } from './setup.ts'
import type { Setup, TestCluster } from './setup.ts'

const OPTIONS = { workers: 2, scheduling: 'request', concurrency: 2 } as const
// As many as the workers may have in hand, so that one of them often has nothing to do.
const CLIENTS = 4
const ROUNDS = 120
const SHARE_OF_LONG = 0.2

/** Up, with so many clients, and it has seen how long a request takes. */
async function start (t: TestContext, setup: Omit<Setup, 'options' | 'server'> = {}): Promise<{ cluster: TestCluster, clients: HttpConnection[] }> {
  const cluster = await startCluster(t, { ...setup, options: OPTIONS })
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connect(cluster.target)))
  for (let count = 0; count < 12; count++) await Promise.all(clients.map(client => client.get('/block/5')))
  return { cluster, clients }
}

/** All clients ask one request after the other, some of which keep their worker long; returns how often each was served. */
async function askAll ({ cluster, clients }: Awaited<ReturnType<typeof start>>): Promise<number[]> {
  const random = seeded(11)
  const seen = cluster.lines().length
  const plans = clients.map((_, client) => Array.from({ length: ROUNDS }, (__, round) => `/block/${random() < SHARE_OF_LONG ? 60 : 2}?id=${client * ROUNDS + round}`))
  await Promise.all(clients.map(async (client, index) => {
    for (const path of plans[index] ?? []) assert.equal((await client.get(path)).status, 200)
  }))
  const served = Array.from({ length: CLIENTS * ROUNDS }, () => 0)
  for (const { event, id } of cluster.lines().slice(seen)) if (event === 'blocking') served[Number(id)] = (served[Number(id)] ?? 0) + 1
  return served
}

const ONCE = Array.from({ length: CLIENTS * ROUNDS }, () => 1)

void test('what waits behind a request that turns out to be long goes to a worker that is free', async t => {
  const { cluster, clients } = await start(t)
  let isOver = false
  // Each worker gets two, before anybody can know which of them keeps its worker.
  const [long, ...others] = await Promise.all(clients.slice(0, 4).map(async ({ get }, index) => {
    const { status, body } = await get(['/block/4000', '/block/200', '/', '/'][index] ?? '')
    if (index === 0) isOver = true
    return { status, wasOver: isOver, pid: JSON.parse(body).pid as number }
  }))
  assert.deepEqual(others.map(({ status, wasOver }) => ({ status, wasOver })), others.map(() => ({ status: 200, wasOver: false })))
  assert.equal(others.some(({ pid }) => pid === long?.pid), false)
  assert.equal((await dispatchOf(cluster)).takenBack > 0, true)
})

void test('every request is served exactly once, wherever it was sent before', async t => {
  const started = await start(t)
  assert.deepEqual(await askAll(started), ONCE)
  assert.equal((await dispatchOf(started.cluster)).takenBack > 0, true)
})

for (const mayNotRemove of ['EACCES', 'ENOENT'] as const) {
  void test(`where a worker cannot remove files (${mayNotRemove}) nothing is taken back, which is logged once, and each request is served once`, async t => {
    const started = await start(t, { mayNotRemove })
    // One may have been, before any worker had tried.
    const { takenBack } = await dispatchOf(started.cluster)
    assert.deepEqual(await askAll(started), ONCE)
    assert.equal((await dispatchOf(started.cluster)).takenBack, takenBack)
    assert.equal(started.cluster.lines().filter(({ event }) => event === 'take-back-off').length, 1)
  })
}
