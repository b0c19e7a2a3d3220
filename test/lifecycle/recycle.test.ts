// Workers that have served long enough are replaced one at a time, and no client notices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, ended, startCluster } from '../cluster/start-cluster.ts'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import type { LoadReport } from '../helpers/load.ts'
import type { Line } from '../helpers/processes.ts'
import { until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'

const OPTIONS = { workers: 2, snapshotInterval: 50, reload: { stableFor: 50 } }

for (const scheduling of ['kernel', 'connection'] as const) {
  test(`workers recycled again and again under load fail no request and close no connection (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...OPTIONS, scheduling, recycle: { maxRequests: 100 } } })
    const load = startLoad({ target: cluster.target, connections: 12, random: seeded(11), think: 40, reconnect: 'never' })
    await until(() => recycled(cluster.lines()).length >= 3, () => 'three recycled workers')

    assertUnnoticed(await load.stop())
    assert.deepEqual([...new Set(recycled(cluster.lines()).map(({ code }) => code))], [0])
    assertOneAtATime(cluster.lines())
    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  })
}

test('a worker that leaks is recycled before its heap is full, again and again under load, and no request fails', async t => {
  // A share that leaves time to boot on a busy machine.
  const cluster = await startCluster(t, { options: { ...OPTIONS, recycle: { heapShare: 0.6 } } }, { env: { NODE_OPTIONS: '--max-old-space-size=96' } })
  const load = startLoad({ target: cluster.target, connections: 8, random: seeded(12), think: 40, reconnect: 'never' })
  for (const round of [1, 2]) {
    const leak = startLoad({ target: cluster.target, connections: 1, random: seeded(round), path: '/leak?mb=1', think: 40, pieces: false, reconnect: 'never' })
    await until(() => count(cluster, 'worker-recycled') >= round, () => `recycled worker ${round}`)
    assertUnnoticed(await leak.stop())
    await until(() => recycled(cluster.lines()).length >= round, () => 'its end')
  }

  assertUnnoticed(await load.stop())
  assert.deepEqual([...new Set(cluster.lines().filter(({ event }) => event === 'worker-recycled').map(({ reason }) => reason))], ['heapShare'])
  assert.equal(cluster.stderr(), '')
})

test('what limit was reached is logged, and a young worker is not recycled for its memory', async t => {
  const cluster = await startCluster(t, { options: { ...OPTIONS, workers: 1, recycle: { maxRss: 1, maxAge: 400, jitter: 0, minAge: 60_000 } } })
  const line = await cluster.event('worker-recycled')
  assert.deepEqual([line['slot'], line['reason'], line['threshold']], [1, 'maxAge', 400])
  assert.equal((await cluster.event('worker-exit'))['kind'], 'recycled')
})

test('a worker that waits for a long request to end is not recycled twice, and nobody else goes meanwhile', async t => {
  const cluster = await startCluster(t, { options: { ...OPTIONS, recycle: { maxAge: 500 } } })
  const client = await connect(cluster.target)
  client.write('GET /slow?ms=2500 HTTP/1.1\r\nhost: test\r\n\r\n')
  const answer = await client.read()
  assert.equal(answer.status, 200)
  await until(() => count(cluster, 'worker-recycled') >= 2, () => 'two recycled workers')
  assertOneAtATime(cluster.lines())
})

function assertUnnoticed ({ failures, endings, statuses }: LoadReport): void {
  assert.deepEqual([failures, endings, Object.keys(statuses)], [[], { announced: 0, idle: 0, cut: 0 }, ['200']])
}

function recycled (lines: readonly Line[]): readonly Line[] {
  return lines.filter(({ event, kind }) => event === 'worker-exit' && kind === 'recycled')
}

/** The next is chosen only after the one before has ended. */
function assertOneAtATime (lines: readonly Line[]): void {
  const turns = lines.filter(({ event, kind }) => event === 'worker-recycled' || kind === 'recycled').filter(({ event }) => event !== 'published' && event !== 'emitted')
  turns.forEach(({ event }, index) => assert.equal(event, index % 2 === 0 ? 'worker-recycled' : 'worker-exit', JSON.stringify(turns)))
}
