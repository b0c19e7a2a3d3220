// When the primary dies without a word, the workers finish what they have and go by themselves, quietly.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { descendants, noneLeft } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { connectToSlot, holdRequest } from './connect-to.ts'
import { count, launch, startCluster } from './start-cluster.ts'

for (const scheduling of ['kernel', 'round-robin'] as const) {
  test(`after a SIGKILL of the primary a request in flight is answered, and the workers end (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling, idleGrace: 100 } })
    const pids = descendants(cluster.pid)
    const held = await holdRequest(await connectToSlot(cluster.target, 1))

    cluster.kill('SIGKILL')
    await cluster.event('draining', ({ slot }) => slot === 1)
    const answer = await held.finish()

    assert.equal(answer.status, 200)
    assert.equal(answer.headers['connection'], 'close')
    await cluster.allGone()
    await noneLeft(pids)
    assert.equal(count(cluster, 'app-closed'), 2)
    assert.equal(cluster.stderr(), '')
  })

  test(`after a SIGKILL of the primary under load no request is cut, and nothing is left (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling, idleGrace: 5_000 } })
    const pids = descendants(cluster.pid)
    const load = startLoad({ target: cluster.target, connections: 20, random: seeded(5), think: 5, reconnect: 'never' })
    await load.reached(200)

    cluster.kill('SIGKILL')
    await cluster.allGone()
    await noneLeft(pids)
    const report = await load.stop()

    assert.deepEqual(report.failures, [])
    assert.equal(report.endings.cut, 0)
    assert.equal(count(cluster, 'app-closed'), 2)
    assert.equal(cluster.stderr(), '')
  })
}

test('after a SIGKILL of the primary a worker that does not finish in time ends all the same', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, drainTimeout: 500, idleGrace: 100 } })
  const pids = descendants(cluster.pid)
  const held = await holdRequest(await connect(cluster.target))

  cluster.kill('SIGKILL')

  assert.equal(await held.connection.ended, 'cut')
  await cluster.allGone()
  await noneLeft(pids)
})

test('after a SIGKILL of the primary a worker whose loop is blocked ends all the same', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, hangTimeout: 1_000, snapshotInterval: 50 } })
  const pids = descendants(cluster.pid)
  const client = await connect(cluster.target)
  client.write('GET /block HTTP/1.1\r\nhost: test\r\n\r\n')
  await cluster.event('blocking')

  cluster.kill('SIGKILL')

  await cluster.allGone()
  await noneLeft(pids)
})

test('a primary that dies while workers boot leaves none of them', async t => {
  const started = launch(t, { options: { workers: 2 }, misbehaviour: { kind: 'never-resolves', slot: 2 } })
  await started.event('worker-ready', ({ slot }) => slot === 1)
  const pids = descendants(started.pid)

  started.kill('SIGKILL')

  await started.allGone()
  await noneLeft(pids)
  assert.equal(started.stderr(), '')
})

test('a primary that dies right after it forked leaves nothing', async t => {
  const started = launch(t, { options: { workers: 2 } })
  await started.event('forked')
  const pids = descendants(started.pid)

  started.kill('SIGKILL')

  await started.allGone()
  await noneLeft(pids)
})
