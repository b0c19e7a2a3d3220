// A slot that is held back after failures: whatever is ordered meanwhile is done at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, ended, order, readyLines, startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import { descendants, isAlive, noneLeft, until } from '../helpers/processes.ts'

// Far longer than this test may take.
const OPTIONS = { workers: 2, idleGrace: 100, reload: { stableFor: 50 }, restart: { delay: 300_000, maxDelay: 300_000 } }

/** The first replacement comes at once, the second one would come much later. */
async function holdBack (cluster: Cluster, slot: number): Promise<void> {
  for (const wait of ['at-once', 'long']) {
    // The log of a worker's start may come after what the primary prints itself.
    await until(() => isAlive(cluster.pidOf(slot)), () => `worker ${slot}`)
    const [ready, exits] = [readyLines(cluster, slot).length, count(cluster, 'worker-exit')]
    process.kill(cluster.pidOf(slot), 'SIGKILL')
    await until(() => count(cluster, 'worker-exit') > exits, () => `the end of worker ${slot}`)
    if (wait === 'at-once') await until(() => readyLines(cluster, slot).length > ready, () => `worker ${slot}`)
  }
}

test('a reload, a scale order and a stop in the middle of a wait are obeyed at once', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  await holdBack(cluster, 2)
  cluster.kill('SIGHUP')
  await cluster.event('reload-done')
  assert.equal(readyLines(cluster, 2).at(-1)?.['generation'], 2)

  await holdBack(cluster, 2)
  order(cluster, 'scale 3')
  await cluster.event('scaled', ({ size }) => size === 3)
  await holdBack(cluster, 2)
  order(cluster, 'scale 1')
  await cluster.event('scaled', ({ size }) => size === 1)

  await holdBack(cluster, 1)
  const pids = descendants(cluster.pid)
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  await noneLeft(pids)
})
