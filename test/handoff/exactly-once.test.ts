// Under traffic: connections move all the time, and every request is served exactly once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { seeded, startLoad } from './raw-client.ts'
import { startSmallCluster } from './small-cluster.ts'

const CONNECTIONS = 60
// About two seconds of an idle machine; `npm run soak` is the long one.
const REQUESTS = 2000
const MOVES = 500

for (const fastify of [false, true]) {
  void test(`each request is served exactly once while ${fastify ? 'Fastify' : 'plain'} workers give away everything idle every 3 ms`, { timeout: 200_000 }, async t => {
    const cluster = await startSmallCluster({ workers: 3, serve: { fastify } })
    t.after(() => cluster.close())
    const load = startLoad({ target: { port: cluster.port, host: '127.0.0.1' }, connections: CONNECTIONS, think: 20, random: seeded(1) })
    for (const { channel } of cluster.workers()) await channel.post({ type: 'fixture-churn', every: 3 })
    while (load.failures.length === 0 && (load.answered.size < REQUESTS || cluster.relay.counts().passed < MOVES)) await setTimeout(50)
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
