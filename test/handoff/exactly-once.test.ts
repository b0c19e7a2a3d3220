// Under traffic: connections move all the time, and every request is served exactly once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { seeded, startLoad } from './raw-client.ts'
import { openFiles, until } from '../helpers/processes.ts'
import { unexplainedFailures } from './owners.ts'
import { startSmallCluster } from './small-cluster.ts'
import type { SmallCluster } from './small-cluster.ts'

const CONNECTIONS = 60
// About two seconds of an idle machine; `npm run soak` is the long one.
const REQUESTS = 2000
const MOVES = 500
const KILLS = 4
const MOVES_BEFORE_A_KILL = 100

/** Every worker gives away what is idle, each so many ms; 0: never. */
async function churn (cluster: SmallCluster, every: number): Promise<void> {
  for (const { channel } of cluster.workers()) await channel.post({ type: 'fixture-churn', every })
}

async function openConnections (cluster: SmallCluster): Promise<number> {
  return (await Promise.all(cluster.workers().map(worker => worker.stats()))).reduce((sum, { open }) => sum + open, 0)
}

/** Of all its processes, wherever the connections are. */
function filesOf (cluster: SmallCluster): number {
  return cluster.pids().reduce((sum, pid) => sum + openFiles(pid), 0)
}

for (const fastify of [false, true]) {
  void test(`each request is served exactly once while ${fastify ? 'Fastify' : 'plain'} workers give away everything idle every 3 ms`, { timeout: 200_000 }, async t => {
    const cluster = await startSmallCluster({ workers: 3, serve: { fastify } })
    t.after(() => cluster.close())
    const load = startLoad({ target: { port: cluster.port, host: '127.0.0.1' }, connections: CONNECTIONS, think: 20, random: seeded(1) })
    await until(async () => await openConnections(cluster) === CONNECTIONS, () => 'all connections')
    const files = filesOf(cluster)
    await churn(cluster, 3)
    while (load.failures.length === 0 && (load.answered.size < REQUESTS || cluster.relay.counts().passed < MOVES)) await setTimeout(50)
    await churn(cluster, 0)
    await until(() => filesOf(cluster) === files, () => `the ${files} open files from before the first move; there are ${filesOf(cluster)}`)
    await load.stop()

    assert.deepEqual(load.failures, [])
    assert.deepEqual(load.wrong, [])
    const served = cluster.lines().filter(line => line.startsWith('S ')).map(line => line.split(' ')[1])
    assert.equal(served.length, load.answered.size)
    assert.equal(new Set(served).size, load.answered.size)
    t.diagnostic(`${load.answered.size} requests, ${cluster.relay.counts().passed} moves`)
    assert.equal(cluster.relay.counts().closed, 0)
  })
}

void test('of connections that move while workers are killed, only those end that a killed worker had', { timeout: 200_000 }, async t => {
  const cluster = await startSmallCluster({ workers: 3, waitTimeout: 60_000 })
  t.after(() => cluster.close())
  const load = startLoad({ target: { port: cluster.port, host: '127.0.0.1' }, connections: CONNECTIONS, think: 20, random: seeded(2), reconnect: true })
  for (let kills = 0; kills < KILLS; kills++) {
    await churn(cluster, 3)
    const { passed } = cluster.relay.counts()
    await until(() => cluster.relay.counts().passed >= passed + MOVES_BEFORE_A_KILL, () => 'moves')
    await cluster.workers()[0]?.kill()
    await cluster.add()
  }
  await load.stop()

  const lines = cluster.lines()
  const served = lines.filter(line => line.startsWith('S ')).map(line => line.split(' ')[1])
  assert.deepEqual(unexplainedFailures(lines, load.failures.map(({ port }) => port)), [])
  assert.deepEqual(load.wrong, [])
  assert.equal(new Set(served).size, served.length)
  assert.equal(cluster.relay.counts().closed, 0)
  t.diagnostic(`${load.failures.length} connections ended with their workers, ${cluster.relay.counts().retried} moves went to another`)
})
