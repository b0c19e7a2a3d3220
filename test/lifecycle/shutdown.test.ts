// A stop with a delay for load balancers, and a stop in haste.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdRequest } from '../cluster/connect-to.ts'
import { count, ended, launch, startCluster } from '../cluster/start-cluster.ts'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'

const CLEAN = { code: 0, signal: null }
const UNCLEAN = { code: 1, signal: null }

test('shutdown.delay: the stop is told first, everything is served until the delay is over, and then nothing is cut', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, shutdown: { delay: 1_500 } } })
  const load = startLoad({ target: cluster.target, connections: 10, random: seeded(3), think: 20, reconnect: 'never' })
  await load.reached(50)

  const client = await connect(cluster.target)
  assert.equal((await client.get('/readyz')).status, 200)
  cluster.kill('SIGTERM')
  await cluster.event('emitted', ({ name }) => name === 'stop')
  await until(async () => (await client.get('/readyz')).status === 503, () => 'an app that says it stops')
  assert.equal((await client.get('/livez')).status, 200)
  const answer = await client.get('/')
  assert.deepEqual([answer.status, answer.headers['connection']], [200, 'keep-alive'])
  assert.equal(count(cluster, 'draining'), 0)

  assert.deepEqual(await ended(cluster), CLEAN)
  const { time: told } = await cluster.event('cluster-stopping') as { time: number }
  const { time: over } = await cluster.event('worker-exit') as { time: number }
  assert.ok(over - told >= 1_500, `${over - told} ms`)
  const { failures, endings } = await load.stop()
  assert.deepEqual(failures, [])
  assert.equal(endings.cut, 0)
})

test('a worker that dies during the delay is replaced', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, shutdown: { delay: 20_000 } } })
  cluster.kill('SIGTERM')
  await cluster.event('cluster-stopping')
  process.kill(cluster.pidOf(1), 'SIGKILL')
  await until(() => count(cluster, 'worker-ready') === 2, () => 'a replacement')
  assert.equal((await (await connect(cluster.target)).get('/')).status, 200)
  cluster.kill('SIGQUIT')
  assert.deepEqual(await ended(cluster), CLEAN)
})

test('SIGQUIT lets a short request finish, and runs the onClose hooks, without the delay', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, idleGrace: 100, shutdown: { delay: 25_000, fastTimeout: 10_000 } } })
  const pids = descendants(cluster.pid)
  const held = await holdRequest(await connect(cluster.target))
  cluster.killGroup('SIGQUIT')
  await cluster.event('draining')
  assert.equal((await held.finish()).status, 200)
  assert.deepEqual(await ended(cluster), CLEAN)
  await noneLeft(pids)
  assert.equal(count(cluster, 'app-closed'), 2)
})

for (const first of [undefined, 'SIGTERM'] as const) {
  test(`SIGQUIT ${first === undefined ? '' : 'during a stop '}does not wait for a request longer than shutdown.fastTimeout`, async t => {
    const cluster = await startCluster(t, { options: { workers: 1, drainTimeout: 60_000, idleGrace: 100, shutdown: { fastTimeout: 500 } } })
    const pids = descendants(cluster.pid)
    const held = await holdRequest(await connect(cluster.target))
    if (first !== undefined) {
      cluster.kill(first)
      await cluster.event('draining')
    }
    cluster.kill('SIGQUIT')
    assert.deepEqual(await ended(cluster), UNCLEAN)
    await noneLeft(pids)
    assert.equal(await held.connection.ended, 'cut')
    assert.deepEqual([count(cluster, 'stop-hurried'), count(cluster, 'stop-forced')], [1, 0])
  })
}

test('SIGQUIT stops a cluster that is still coming up', async t => {
  const started = launch(t, { options: { workers: 1 }, misbehaviour: { kind: 'never-resolves' } })
  await started.event('forked')
  const pids = descendants(started.pid)
  started.kill('SIGQUIT')
  await ended(started)
  await noneLeft(pids)
})

test('workers: 0 obeys SIGQUIT and shutdown.delay too', async t => {
  const delayed = await startCluster(t, { options: { workers: 0, idleGrace: 100, shutdown: { delay: 1_000 } } })
  delayed.kill('SIGTERM')
  assert.equal((await (await connect(delayed.target)).get('/')).status, 200)
  assert.deepEqual(await ended(delayed), CLEAN)
  const hurried = await startCluster(t, { options: { workers: 0, idleGrace: 100, shutdown: { delay: 25_000 } } })
  hurried.kill('SIGQUIT')
  assert.deepEqual(await ended(hurried), CLEAN)
  const held = await startCluster(t, { options: { workers: 0, drainTimeout: 60_000, idleGrace: 100, shutdown: { fastTimeout: 300 } } })
  await holdRequest(await connect(held.target))
  held.kill('SIGTERM')
  await held.event('draining')
  held.kill('SIGQUIT')
  assert.deepEqual(await ended(held), UNCLEAN)
})
