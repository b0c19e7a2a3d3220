// More and fewer workers, by call and by signal, while keep-alive clients that never retry are busy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, ended, order, readyLines, startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import { connectToSlot } from '../cluster/connect-to.ts'
import { startLoad } from '../helpers/load.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'

const OPTIONS = { workers: 1, snapshotInterval: 50, reload: { stableFor: 50 } }

async function scaled (cluster: Cluster, workers: number): Promise<void> {
  const before = count(cluster, 'scaled')
  order(cluster, `scale ${workers}`)
  await until(() => count(cluster, 'scaled') > before, () => `${workers} workers`)
  assert.equal(cluster.lines().findLast(({ event }) => event === 'scaled')?.['size'], workers)
}

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  test(`scaling up and down under load fails no request and closes no connection (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { ...OPTIONS, scheduling } })
    const load = startLoad({ target: cluster.target, connections: 12, random: seeded(5), think: 30, reconnect: 'never' })
    await load.reached(50)

    await scaled(cluster, 3)
    await load.reached(50)
    await scaled(cluster, 1)
    await load.reached(50)

    const { failures, endings, statuses } = await load.stop()
    assert.deepEqual(failures, [])
    assert.deepEqual(endings, { announced: 0, idle: 0, cut: 0 })
    assert.deepEqual(Object.keys(statuses), ['200'])
    await until(() => count(cluster, 'worker-exit') === 2, () => 'the end of two workers')
    const exits = cluster.lines().filter(({ event }) => event === 'worker-exit')
    assert.deepEqual(exits.map(({ slot, kind }) => `${String(slot)} ${String(kind)}`).toSorted(), ['2 retired', '3 retired'])
    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  })
}

test('SIGTTIN adds a worker that serves, SIGTTOU takes it away again, and the last one stays', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  cluster.kill('SIGTTIN')
  const client = await connectToSlot(cluster.target, await cluster.event('scale-done').then(() => 2))

  cluster.kill('SIGTTOU')
  await cluster.event('worker-exit', ({ slot }) => slot === 2)
  assert.equal((await client.get('/')).headers['x-worker-id'], '1')
  const before = count(cluster, 'scale-done')
  cluster.kill('SIGTTOU')
  await until(() => count(cluster, 'scale-done') > before, () => 'an answer')

  assert.equal((await client.get('/')).headers['x-worker-id'], '1')
  const sizes = cluster.lines().filter(({ event, name }) => event === 'emitted' && name === 'scale').map(({ data }) => data)
  assert.deepEqual(sizes, [
    { state: 'started', from: 1, to: 2 }, { state: 'done', workers: 2 },
    { state: 'started', from: 2, to: 1 }, { state: 'done', workers: 1 },
    { state: 'started', from: 1, to: 1 }, { state: 'done', workers: 1 }
  ])
})

test('signals to the whole group are orders to the primary alone', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  cluster.killGroup('SIGTTIN')
  await cluster.event('scale-done', ({ workers }) => workers === 2)
  for (const slot of [1, 2]) (await connectToSlot(cluster.target, slot)).close()
})

test('a later order counts, and both who gave one are told its number', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  order(cluster, 'scale 3')
  order(cluster, 'scale 2')
  await until(() => count(cluster, 'scaled') === 2, () => 'both answers')
  assert.deepEqual(cluster.lines().filter(({ event }) => event === 'scaled').map(({ asked, size }) => [asked, size]), [[3, 2], [2, 2]])
})

test('a number that is none is refused, and a stop rejects what is under way', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  order(cluster, 'scale 0')
  order(cluster, 'scale 1.5')
  await until(() => count(cluster, 'scale-rejected') === 2, () => 'two refusals')
  order(cluster, 'scale 3')
  await cluster.event('scale-started')
  const pids = descendants(cluster.pid)
  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  await noneLeft(pids)
  const codes = cluster.lines().filter(({ event }) => event === 'scale-rejected').map(({ code }) => code)
  assert.deepEqual(codes, ['FST_CLUSTERIZE_INVALID_OPTION', 'FST_CLUSTERIZE_INVALID_OPTION', 'FST_CLUSTERIZE_STOPPED'])
})

test('workers added during a reload are of its generation, and the reload completes', async t => {
  const cluster = await startCluster(t, { options: { ...OPTIONS, reload: { stableFor: 300 } } })
  cluster.kill('SIGHUP')
  await cluster.event('reload-started')
  await scaled(cluster, 2)
  await cluster.event('reload-done')
  assert.deepEqual(readyLines(cluster, 2).map(({ generation }) => generation), [2])
  assert.equal(readyLines(cluster, 1).at(-1)?.['generation'], 2)
})

test('an automatic cluster grows under load and shrinks after it, and nobody notices', async t => {
  const workers = { min: 1, max: 3, upAt: 0.3, downAt: 0.2, upAfter: 200, downAfter: 400 }
  const cluster = await startCluster(t, { options: { ...OPTIONS, workers } })
  const load = startLoad({ target: cluster.target, connections: 16, random: seeded(6), think: 0, pieces: false, reconnect: 'never' })
  await cluster.event('scale-done', ({ workers }) => workers === 3)
  order(cluster, 'scale 4')
  assert.equal((await cluster.event('scale-rejected'))['code'], 'FST_CLUSTERIZE_INVALID_OPTION')
  await load.reached(200)

  const { failures, endings } = await load.stop()
  await cluster.event('scale-done', ({ workers }) => workers === 1)
  assert.deepEqual(failures, [])
  assert.deepEqual(endings, { announced: 0, idle: 0, cut: 0 })
  const { from, utilization, queued } = cluster.lines().find(({ event }) => event === 'autoscaled') ?? {}
  assert.deepEqual([from, Number(utilization) > 0.3, queued], [1, true, 0])
})
