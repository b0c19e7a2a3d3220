// Where connections cannot move between workers, as on Windows: the feature test fails in every process of the cluster.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import { startCluster } from './setup.ts'

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  void test(`a reload announces the end of connections that cannot move, and the log says once that they cannot (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling, reload: { stableFor: 50 } }, unmovable: true })
    const count = (event: string): number => cluster.lines().filter(line => line['event'] === event).length
    // The primary would have to read a request before it gives the connection on.
    assert.equal(count('scheduling-by-connection'), scheduling === 'request' ? 1 : 0)
    const client = await connect(cluster.target)
    assert.equal((await client.get('/')).headers['connection'], 'keep-alive')
    cluster.send({ type: 'reload' })
    let last = await client.get('/wait/20')
    while (!client.isEnding()) last = await client.get('/wait/20')
    assert.deepEqual([last.status, last.headers['x-worker-generation'], await client.ended], [200, '1', 'announced'])
    await cluster.event('reloaded')
    const next = await connect(cluster.target)
    assert.equal((await next.get('/')).headers['x-worker-generation'], '2')
    next.close()
    assert.equal(count('handoff-off'), 1)
  })
}
