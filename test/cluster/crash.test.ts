// A worker that ends by itself: nobody but its own requests in flight notices, and its slot comes back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { until } from '../helpers/processes.ts'
import type { Line } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { connectToSlot, holdRequest } from './connect-to.ts'
import { count, ended, order, readyLines, startCluster } from './start-cluster.ts'

for (const scheduling of ['kernel', 'round-robin'] as const) {
  test(`a SIGKILL of one worker fails at most its own requests in flight, and the slot returns (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling } })
    const [survivor, victim] = [cluster.pidOf(1), cluster.pidOf(2)]
    const bystander = await holdRequest(await connectToSlot(cluster.target, 1))
    const casualty = await holdRequest(await connectToSlot(cluster.target, 2))

    process.kill(victim, 'SIGKILL')
    assert.equal(await casualty.connection.ended, 'cut')
    // Node's own round robin passes connections to a dead worker until it has seen its end.
    if (scheduling === 'round-robin') await cluster.event('worker-exit', ({ pid }) => pid === victim)
    const next = await connect(cluster.target)
    assert.equal((await next.get('/')).status, 200)

    await cluster.event('worker-exit', ({ pid, signal }) => pid === victim && signal === 'SIGKILL')
    await cluster.event('worker-ready', ({ slot, pid }) => slot === 2 && pid !== victim)
    const returned = await (await connectToSlot(cluster.target, 2)).get('/')
    assert.equal(returned.headers['x-worker-pid'], String(cluster.pidOf(2)))
    assert.equal(returned.headers['x-worker-generation'], '1')
    assert.equal((await bystander.finish()).headers['x-worker-pid'], String(survivor))
  })
}

test('a SIGKILL of one worker under load cuts no more than the requests it had', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } })
  const load = startLoad({ target: cluster.target, connections: 20, random: seeded(3), think: 10, reconnect: 'always' })
  await load.reached(200)

  process.kill(cluster.pidOf(2), 'SIGKILL')
  await cluster.event('worker-exit', ({ slot }) => slot === 2)
  await until(() => readyLines(cluster, 2).length === 2, () => 'the replacement')
  await load.reached(200)
  const report = await load.stop()

  // A connection has one request in flight at most, and those of the other worker fail none.
  assert.ok(report.failures.length <= 20, report.failures.join())
  assert.equal(report.refused, 0)
  assert.deepEqual(Object.keys(report.statuses), ['200'])
})

test('with a single worker, connections during the gap wait in the kernel and are served by the replacement', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })
  const victim = cluster.pidOf(1)

  process.kill(victim, 'SIGKILL')
  await cluster.event('worker-exit', ({ pid }) => pid === victim)
  const early = await Promise.all(Array.from({ length: 5 }, async () => (await connect(cluster.target)).get('/')))

  await until(() => readyLines(cluster, 1).length === 2, () => 'the replacement')
  for (const { status, headers } of early) assert.deepEqual([status, headers['x-worker-pid']], [200, String(cluster.pidOf(1))])
})

test('a worker that exits by itself is replaced, and its exit code is told', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })
  const connection = await connect(cluster.target)

  connection.write('GET /exit?code=42 HTTP/1.1\r\nhost: test\r\n\r\n')

  const { reason } = await cluster.event('worker-exit', ({ code }) => code === 42)
  await until(() => readyLines(cluster, 1).length === 2, () => 'the replacement')
  assert.match(String(reason), /code 42/)
})

for (const kind of ['exception', 'rejection']) {
  test(`after an uncaught ${kind} a worker is replaced at once, and finishes the requests it has`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2 } })
    const victim = cluster.pidOf(2)
    const held = await holdRequest(await connectToSlot(cluster.target, 2))

    const failing = await (await connectToSlot(cluster.target, 2)).get(`/fail?kind=${kind}`)
    const { err } = await cluster.event('worker-crashed', ({ pid }) => pid === victim) as unknown as { err: { message: string, stack: string } }
    await cluster.event('worker-ready', ({ slot, pid }) => slot === 2 && pid !== victim)
    const answer = await held.finish()
    const { code, reason } = await cluster.event('worker-exit', ({ pid }) => pid === victim)

    assert.equal(failing.status, 200)
    assert.equal(err.message, 'failed on purpose')
    assert.match(err.stack, /fixtures\/app\.[jt]s/)
    assert.equal(answer.headers['x-worker-pid'], String(victim))
    assert.equal(code, 1)
    assert.match(String(reason), /failed on purpose/)
    await cluster.line(({ level, worker }) => level === 60 && worker === 2, 'the worker\'s own fatal line')
    await connectToSlot(cluster.target, 2)
  })
}

test('after an uncaught error a worker that does not finish is killed after errorDrainTimeout', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, errorDrainTimeout: 500 } })
  const victim = cluster.pidOf(1)
  const held = await holdRequest(await connect(cluster.target))

  await (await connect(cluster.target)).get('/fail')

  assert.equal(await held.connection.ended, 'cut')
  await cluster.event('worker-exit', ({ pid }) => pid === victim)
  await until(() => readyLines(cluster, 1).length === 2, () => 'the replacement')
})

test('a worker that crashes again and again is replaced after longer and longer waits', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, restart: { delay: 200, maxDelay: 800 } } })
  const waits: number[] = []

  for (let crash = 1; crash <= 4; crash++) {
    await until(() => readyLines(cluster, 2).length === crash, () => `fork ${crash}`)
    process.kill(cluster.pidOf(2), 'SIGKILL')
    await until(() => exits(cluster.lines()).length === crash, () => `exit ${crash}`)
    await until(() => readyLines(cluster, 2).length === crash + 1, () => `replacement ${crash}`)
    const ready = readyLines(cluster, 2).at(-1)
    waits.push(Number(ready?.['time']) - Number(ready?.['ms']) - Number(exits(cluster.lines()).at(-1)?.['time']))
  }

  // At once, then 200, 400 and 800 ms, a tenth less at the least, and one for the clocks' rounding.
  for (const [index, least] of [0, 180, 360, 720].entries()) assert.ok(Number(waits[index]) >= least - 2, `waits were ${waits.join()}`)
  assert.equal(count(cluster, 'cluster-stopping'), 0)
})

test('a SIGTERM to one worker alone replaces it first and drains it then, without a failed request', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, reload: { stableFor: 100 } } })
  const victim = cluster.pidOf(2)
  const load = startLoad({ target: cluster.target, connections: 20, random: seeded(4), think: 10 })
  await load.reached(200)

  process.kill(victim, 'SIGTERM')
  await cluster.event('worker-exit', ({ pid }) => pid === victim)
  await load.reached(100)
  const report = await load.stop()

  const order = cluster.lines().filter(({ pid, slot, event }) => slot === 2 && ((event === 'worker-ready' && pid !== victim) || event === 'worker-exit')).map(({ event }) => event)
  assert.deepEqual(order, ['worker-ready', 'worker-exit'])
  await cluster.event('worker-exit', ({ pid, code }) => pid === victim && code === 0)
  assert.deepEqual(report.failures, [])
  assert.equal(report.endings.cut, 0)
  assert.equal(report.refused, 0)
  assert.deepEqual(Object.keys(report.statuses), ['200'])
})

function exits (lines: readonly Line[]): Line[] {
  return lines.filter(({ event, slot }) => event === 'worker-exit' && slot === 2)
}

test('a process that cannot be started fails a reload and is tried again, and holds no stop up', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, restart: { delay: 50, maxDelay: 50 } } })
  order(cluster, 'lose-node')
  cluster.kill('SIGHUP')
  const { err } = await cluster.event('reload-failed') as unknown as { err: { message: string } }
  assert.match(err.message, /ENOENT/)

  const victim = cluster.pidOf(2)
  process.kill(victim, 'SIGKILL')
  const { kind, reason } = await cluster.event('worker-exit', ({ slot, pid }) => slot === 2 && pid !== victim)
  assert.equal(kind, 'boot-failed')
  assert.match(String(reason), /ENOENT/)
  assert.equal((await (await connectToSlot(cluster.target, 1)).get('/')).status, 200)
  order(cluster, 'find-node')
  await until(() => readyLines(cluster, 2).length === 2, () => 'the replacement')

  order(cluster, 'lose-node')
  process.kill(cluster.pidOf(2), 'SIGKILL')
  await until(() => cluster.lines().findLast(({ event }) => event === 'worker-exit')?.['kind'] === 'boot-failed', () => 'another failed start')
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})
