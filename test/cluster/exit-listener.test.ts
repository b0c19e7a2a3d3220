// A listener of the app's for 'exit' that throws: the process ends all the same, and its log tells why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descendants, noneLeft } from '../helpers/processes.ts'
import { connect } from '../helpers/http-connection.ts'
import { ended, order, startCluster } from './start-cluster.ts'
import type { Cluster } from './start-cluster.ts'

const UNCLEAN = { code: 1, signal: null }

function blames ({ lines }: Cluster): unknown[] {
  return lines().filter(({ level, err }) => level === 60 && (err as Error | undefined)?.message === 'the exit failed on purpose').map(({ event }) => event)
}

test('in the primary it makes a stop unclean', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, idleGrace: 100 } })
  const pids = descendants(cluster.pid)
  order(cluster, 'throw-at-exit')
  cluster.kill('SIGTERM')

  assert.deepEqual(await ended(cluster), UNCLEAN)
  await noneLeft(pids)
  assert.deepEqual(blames(cluster), ['stop-unclean'])
  assert.ok(cluster.lines().some(({ event }) => event === 'cluster-stopped'))
})

test('in the primary it does not hold up an exit for another error', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, idleGrace: 100 } })
  const pids = descendants(cluster.pid)
  order(cluster, 'throw-at-exit')
  order(cluster, 'throw')

  assert.deepEqual(await ended(cluster), UNCLEAN)
  await noneLeft(pids)
  assert.deepEqual(blames(cluster), ['primary-failed'])
})

for (const workers of [0, 1]) {
  const scenario = { options: { workers, idleGrace: 100 }, misbehaviour: { kind: 'fails-to-exit' } } as const

  test(`in a worker it is told, and its end is not called clean (workers: ${workers})`, async t => {
    const cluster = await startCluster(t, scenario)
    cluster.kill('SIGTERM')

    assert.deepEqual((await ended(cluster)).code, workers === 0 ? 1 : 0)
    assert.equal(blames(cluster).length, 1)
    if (workers > 0) assert.equal((await cluster.event('worker-exit'))['code'], 1)
  })

  test(`in a worker it does not hold up an exit for another error (workers: ${workers})`, async t => {
    const cluster = await startCluster(t, scenario)
    await (await connect(cluster.target)).get('/fail').catch(() => {})
    if (workers > 0) {
      assert.equal((await cluster.event('worker-exit'))['code'], 1)
      cluster.kill('SIGTERM')
    }
    await ended(cluster)
    // An app in the primary's own process is the process's own again by then: Node tells it.
    if (workers > 0) assert.ok(blames(cluster).length > 0)
    else assert.match(cluster.stderr(), /the exit failed on purpose/)
  })
}
