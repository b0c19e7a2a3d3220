// Workers that wait, booted, for the slot of one that is lost: they take it over, are renewed, and are nobody's concern until then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectToSlot } from '../cluster/connect-to.ts'
import { count, ended, order, readyLines, startCluster } from '../cluster/start-cluster.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'

const OPTIONS = { workers: 2, spares: 1, snapshotInterval: 50, idleGrace: 100, reload: { stableFor: 50 } }

for (const scheduling of ['kernel', 'connection', 'request', 'round-robin'] as const) {
  test(`a spare takes the slot of a killed worker and another waits in its place (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...OPTIONS, scheduling } })
    const { pid: spare, slot } = await cluster.event('spare-ready')
    assert.equal(slot, 0)

    process.kill(cluster.pidOf(2), 'SIGKILL')
    const { pid: seated } = await cluster.event('spare-seated', line => line['slot'] === 2)
    assert.equal(seated, spare)
    await until(() => readyLines(cluster, 2).length === 2, () => 'worker 2 is back')
    assert.equal(cluster.pidOf(2), spare)
    // With request scheduling one connection meets every worker.
    const client = await connectToSlot(cluster.target, 2)
    let answer = await client.get('/')
    while (answer.headers['x-worker-id'] !== '2') answer = await client.get('/')
    assert.equal(answer.headers['x-worker-pid'], String(spare))
    client.close()
    await until(() => count(cluster, 'spare-ready') === 2, () => 'the next spare')

    const pids = descendants(cluster.pid)
    assert.equal(pids.length, 3)
    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
    await noneLeft(pids)
  })
}

test('a reload renews the spares, a larger cluster takes them, and they count apart from the workers', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  const { pid: old } = await cluster.event('spare-ready')
  cluster.kill('SIGHUP')
  await cluster.event('reload-done')
  const { pid: renewed } = await cluster.event('spare-ready', ({ generation }) => generation === 2)
  await cluster.event('worker-exit', ({ pid, kind }) => pid === old && kind === 'retired')

  order(cluster, 'tell')
  const { stats, workers } = await cluster.event('told') as unknown as { stats: { workers: object, slots: Array<{ id: number }> }, workers: Array<{ id: number, state: string, pid: number }> }
  assert.deepEqual(stats.workers, { wanted: 2, ready: 2, booting: 0, draining: 0, unhealthy: 0, spare: 1, shedding: 0 })
  assert.deepEqual(stats.slots.map(({ id }) => id), [1, 2])
  assert.deepEqual(workers.map(({ id, state }) => [id, state]), [[0, 'spare'], [1, 'ready'], [2, 'ready']])

  order(cluster, 'scale 3')
  await cluster.event('scaled', ({ size }) => size === 3)
  // The log may be written later than what the fixture says itself.
  const { pid: third } = await cluster.event('worker-ready', ({ slot }) => slot === 3)
  assert.equal(third, renewed)
})

test('a spare that dies or hangs is replaced, and no slot notices', async t => {
  const cluster = await startCluster(t, { options: { ...OPTIONS, workers: 1, hangTimeout: 1_000, hangReport: false } })
  const { pid: first } = await cluster.event('spare-ready')
  process.kill(Number(first), 'SIGKILL')
  const { pid: second } = await cluster.event('spare-ready', ({ pid }) => pid !== first)
  process.kill(Number(second), 'SIGSTOP')
  await cluster.event('worker-exit', ({ pid, kind }) => pid === second && kind === 'killed-hang')
  await cluster.event('spare-ready', ({ pid }) => pid !== first && pid !== second)
  assert.equal(readyLines(cluster, 1).length, 1)
})

test('spares that cannot boot do not bring the cluster down', async t => {
  const cluster = await startCluster(t, { options: { ...OPTIONS, workers: 1 }, misbehaviour: { kind: 'throws', slot: 0 } })
  await until(() => cluster.lines().filter(({ event, slot }) => event === 'worker-exit' && slot === 0).length >= 2, () => 'two failed spares')
  const client = await connectToSlot(cluster.target, 1)
  assert.equal((await client.get('/')).status, 200)
  client.close()
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})
