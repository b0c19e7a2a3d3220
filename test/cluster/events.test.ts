// What a cluster tells its user: events, the same on diagnostics channels, and how it takes errors and orders of the primary's own code.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../helpers/http-connection.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'
import type { Line } from '../helpers/processes.ts'
import { holdRequest } from './connect-to.ts'
import { count, ended, launch, order, startCluster } from './start-cluster.ts'

const UNCLEAN = { code: 1, signal: null }

interface Told { name: string, data: { id?: number, pid?: number, generation?: number, code?: number | null, signal?: string | null, reason?: string, expected?: boolean, addresses?: unknown, bootMs?: number } }

test('events tell of each worker and of the stop, on the emitter and on diagnostics channels alike', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })
  const first = cluster.pidOf(1)

  process.kill(first, 'SIGKILL')
  const { data: { pid: second } } = await cluster.event('emitted', ({ name }) => name === 'worker-ready') as unknown as Told
  cluster.kill('SIGTERM')
  await ended(cluster)

  const published = told(cluster.lines(), 'published')
  // The emitter is there only once clusterize() has resolved, so it misses the first worker.
  assert.deepEqual(told(cluster.lines(), 'emitted'), published.slice(1))
  assert.deepEqual(published.map(({ name, data: { id, pid, code, signal, expected } }) => [name, id, pid, code, signal, expected]), [
    ['worker-ready', 1, first, undefined, undefined, undefined],
    ['worker-exit', 1, first, null, 'SIGKILL', false],
    ['worker-ready', 1, second, undefined, undefined, undefined],
    ['stop', undefined, undefined, undefined, undefined, undefined],
    ['worker-exit', 1, second, 0, null, true]
  ])
  const [, killed, , stop, stopped] = published.map(({ data }) => data.reason ?? '')
  assert.match(killed ?? '', /SIGKILL/)
  assert.equal(stop, 'SIGTERM')
  assert.equal(stopped, 'the cluster stops')
  const [ready] = published
  assert.deepEqual(ready?.data.addresses, cluster.addresses)
  assert.equal(ready.data.generation, 1)
  assert.ok(Number(ready.data.bootMs) > 0)
})

for (const how of ['throw', 'reject'] as const) {
  test(`an uncaught error in the primary (${how}) stops the cluster gracefully, with exit code 1`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2 } })
    const held = await holdRequest(await connect(cluster.target))

    order(cluster, how)
    const { err } = await cluster.event('primary-failed') as unknown as { err: { message: string, stack: string } }
    const answer = await held.finish()

    assert.equal(answer.status, 200)
    assert.match(err.message, /on purpose/)
    assert.match(err.stack, /fixtures\/orders\.[jt]s/)
    assert.deepEqual(await ended(cluster), UNCLEAN)
    assert.equal(count(cluster, 'app-closed'), 2)
  })
}

test('an uncaught error in the primary in the middle of a stop is told, and cuts nothing', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })
  const held = await holdRequest(await connect(cluster.target))
  cluster.kill('SIGTERM')
  await cluster.event('draining')

  for (const how of ['throw', 'reject'] as const) order(cluster, how)
  await until(() => count(cluster, 'primary-failed') === 2, () => 'both errors')

  assert.equal((await held.finish()).status, 200)
  assert.deepEqual(await ended(cluster), UNCLEAN)
  assert.equal(count(cluster, 'app-closed'), 1)
})

test('a listener that throws is an uncaught error, and keeps nothing from going on', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, idleGrace: 100 } })
  const pids = descendants(cluster.pid)
  order(cluster, 'throw-at-exits')
  order(cluster, 'tell')
  await cluster.event('told')
  process.kill(cluster.pidOf(2), 'SIGKILL')

  const { err } = await cluster.event('primary-failed') as unknown as { err: { message: string } }
  assert.equal(err.message, 'a listener failed on purpose')
  assert.deepEqual(await ended(cluster), UNCLEAN)
  await noneLeft(pids)
})

test('the signal option stops the cluster', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 }, signalOption: 'by-order' })

  order(cluster, 'abort')

  await cluster.event('cluster-stopped')
  await cluster.event('worker-exit', ({ code }) => code === 0)
})

for (const workers of [1, 0]) {
  test(`a signal option that has aborted before the cluster is up stops it as soon as it is (workers: ${workers})`, async t => {
    const started = launch(t, { options: { workers }, signalOption: 'aborted' })

    await started.event('resolved')

    assert.deepEqual(await ended(started), { code: 0, signal: null })
    assert.equal(count(started, 'app-closed'), 1)
  })
}

function told (lines: readonly Line[], event: string): Told[] {
  return lines.filter(line => line['event'] === event).map(({ name, data }) => ({ name, data }) as Told)
}
