// Stopping a cluster: nothing is cut, nothing is left, and the exit code tells whether anything had to be killed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { connectToSlot, holdRequest } from './connect-to.ts'
import { count, ended, order, startCluster } from './start-cluster.ts'

const CLEAN = { code: 0, signal: null }
const UNCLEAN = { code: 1, signal: null }

for (const scheduling of ['kernel', 'connection', 'request', 'round-robin'] as const) {
  test(`SIGTERM while 50 keep-alive connections are busy cuts no request (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling } })
    const pids = descendants(cluster.pid)
    const load = startLoad({ target: cluster.target, connections: 50, random: seeded(2), think: 20, reconnect: 'never' })
    await load.reached(500)

    cluster.kill('SIGTERM')

    assert.deepEqual(await ended(cluster), CLEAN)
    await noneLeft(pids)
    const report = await load.stop()
    assert.deepEqual(report.failures, [])
    assert.equal(report.endings.cut, 0)
    assert.equal(report.endings.announced + report.endings.idle, 50)
    assert.deepEqual(Object.keys(report.statuses), ['200'])
    assert.equal(cluster.stderr(), '')
  })
}

for (const scheduling of ['connection', 'request'] as const) {
  test(`connections that wait to be accepted when a stop begins are served (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling } })
    // A primary that stands still leaves all of them to the kernel.
    process.kill(cluster.pid, 'SIGSTOP')
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect(cluster.target)))
    const answers = clients.map(client => client.get('/'))

    cluster.kill('SIGTERM')
    process.kill(cluster.pid, 'SIGCONT')

    for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
    assert.deepEqual(await ended(cluster), CLEAN)
  })
}

test('while it stops, an idle keep-alive connection gets one more request served, and is told the end', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, idleGrace: 10_000, drainTimeout: 20_000 } })
  const busy = await holdRequest(await connectToSlot(cluster.target, 1))
  const idle = await connectToSlot(cluster.target, 1)

  cluster.kill('SIGTERM')
  await cluster.event('draining', ({ slot }) => slot === 1)
  const first = await busy.finish()
  const second = await idle.get('/')

  assert.equal(first.headers['connection'], 'close')
  assert.equal(second.status, 200)
  assert.equal(second.headers['connection'], 'close')
  assert.equal(await busy.connection.ended, 'announced')
  assert.equal(await idle.ended, 'announced')
  assert.deepEqual(await ended(cluster), CLEAN)
})

test('while it stops, an idle keep-alive connection is closed after idleGrace, and a request in flight is waited for', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, idleGrace: 200 } })
  const busy = await holdRequest(await connect(cluster.target))
  const idle = await connect(cluster.target)
  await idle.get('/')
  const silent = await connect(cluster.target)

  cluster.kill('SIGTERM')

  assert.equal(await idle.ended, 'idle')
  assert.equal(await silent.ended, 'idle')
  assert.equal((await busy.finish()).status, 200)
  assert.deepEqual(await ended(cluster), CLEAN)
})

test('a stop runs the onClose hooks of every worker to their end', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } })

  cluster.kill('SIGINT')

  assert.deepEqual(await ended(cluster), CLEAN)
  assert.equal(count(cluster, 'app-closed'), 2)
})

test('an onClose hook that fails is told by the app\'s log, and holds nothing up', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, idleGrace: 100 }, misbehaviour: { kind: 'fails-to-close' } })
  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), CLEAN)
  const { err } = await cluster.line(({ worker, level }) => worker === 1 && level === 50) as unknown as { err: { message: string } }
  assert.equal(err.message, 'cannot close on purpose')
  assert.equal((await cluster.event('worker-exit'))['code'], 1)
})

test('a SIGINT to the whole process group is one shutdown', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } })
  const pids = descendants(cluster.pid)
  const held = await holdRequest(await connect(cluster.target))

  cluster.killGroup('SIGINT')
  await cluster.event('cluster-stopping')

  assert.equal((await held.finish()).status, 200)
  assert.deepEqual(await ended(cluster), CLEAN)
  await noneLeft(pids)
  assert.equal(count(cluster, 'cluster-stopping'), 1)
  assert.equal(cluster.lines().filter(({ event, reason }) => event === 'worker-exit' && reason !== 'the cluster stops').length, 0)
})

test('a SIGTERM to the whole process group is one shutdown that cuts nothing', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } })
  const pids = descendants(cluster.pid)
  const held = await holdRequest(await connect(cluster.target))

  cluster.killGroup('SIGTERM')
  await cluster.event('cluster-stopping')

  assert.equal((await held.finish()).status, 200)
  assert.deepEqual(await ended(cluster), CLEAN)
  await noneLeft(pids)
})

test('a signal that npm passes on a second time right after the first is the same one', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })
  const held = await holdRequest(await connect(cluster.target))

  cluster.killGroup('SIGINT')
  await cluster.event('cluster-stopping')
  cluster.kill('SIGINT')

  assert.equal((await held.finish()).status, 200)
  assert.deepEqual(await ended(cluster), CLEAN)
  assert.equal(count(cluster, 'stop-forced'), 0)
})

test('a second signal later kills the workers at once', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } })
  const pids = descendants(cluster.pid)
  const held = await holdRequest(await connect(cluster.target))

  cluster.kill('SIGTERM')
  const { time } = await cluster.event('cluster-stopping') as { time: number }
  await until(() => Date.now() > time + 500, () => 'half a second')
  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), UNCLEAN)
  await noneLeft(pids)
  assert.equal(await held.connection.ended, 'cut')
  assert.equal(count(cluster, 'stop-forced'), 1)
})

test('a worker that is not done within drainTimeout is killed and named, with the request that held it', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, drainTimeout: 1_500, idleGrace: 100 } })
  const pids = descendants(cluster.pid)
  const connection = await connectToSlot(cluster.target, 2)
  const pid = cluster.pidOf(2)
  await holdRequest(connection)

  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), UNCLEAN)
  await noneLeft(pids)
  const killed = await cluster.event('worker-killed') as { slot: number, pid: number, activity: { requests: object[] } }
  assert.deepEqual([killed.slot, killed.pid], [2, pid])
  assert.deepEqual(killed.activity.requests.map(request => ({ ...request, ms: 0 })), [{ method: 'POST', url: '/echo', ms: 0 }])
  await cluster.event('worker-exit', line => line['slot'] === 1 && line['code'] === 0)
  await cluster.event('stop-unclean')
  assert.equal(await connection.ended, 'cut')
})

test('a client that never completes its request leaves the workers the time to end (request)', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, scheduling: 'request', drainTimeout: 10_000, idleGrace: 100 } })
  const client = await connect(cluster.target)
  client.write('GET / HT')

  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), CLEAN)
  assert.equal(count(cluster, 'worker-killed'), 0)
  assert.equal(await client.ended, 'idle')
})

test('a worker whose loop is blocked does not outlive drainTimeout', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, drainTimeout: 1_000, idleGrace: 100 } })
  const pids = descendants(cluster.pid)
  const connection = await connectToSlot(cluster.target, 1)
  connection.write('GET /block HTTP/1.1\r\nhost: test\r\n\r\n')
  await cluster.event('blocking')

  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), UNCLEAN)
  await noneLeft(pids)
  await cluster.event('worker-killed', line => line['slot'] === 1)
  await cluster.event('worker-exit', line => line['slot'] === 2 && line['code'] === 0)
})

test('close() stops the workers and leaves the process', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } })
  const held = await holdRequest(await connect(cluster.target))

  order(cluster, 'close')
  await cluster.event('cluster-stopping')

  assert.equal((await held.finish()).status, 200)
  await cluster.event('closed')
  // Nothing of the cluster keeps it alive, and no signal handler of the cluster is left.
  assert.deepEqual(await ended(cluster), CLEAN)
  // Counted at the end, since the log may be written later than what the fixture says itself.
  assert.equal(count(cluster, 'worker-exit'), 2)
})

test('close() rejects when a worker had to be killed', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, drainTimeout: 500, idleGrace: 100 } })
  await holdRequest(await connect(cluster.target))

  order(cluster, 'close')

  const { code, message } = await cluster.event('close-rejected') as { code: string, message: string }
  assert.equal(code, 'FST_CLUSTERIZE_KILLED')
  assert.match(message, new RegExp(`worker 1 \\(pid ${cluster.pidOf(1)}\\)`))
})
