// Workers that end again and again: retried while anybody serves, and given up once nobody is left.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectToSlot } from '../cluster/connect-to.ts'
import { count, ended, order, readyLines, startCluster } from '../cluster/start-cluster.ts'
import { noneLeft, descendants, until } from '../helpers/processes.ts'

const OPTIONS = { workers: 2, restart: { delay: 10, maxDelay: 20, limit: 3 } }

/** A file that, once it is there, keeps workers from booting. */
function obstacle (t: TestContext): { file: string, appear: () => void, vanish: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'crash-loop-'))
  const file = path.join(folder, 'obstacle')
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { file, appear: () => writeFileSync(file, ''), vanish: () => rmSync(file) }
}

test('a crash loop that leaves no worker ends the cluster with 1 and the last error', async t => {
  const { file, appear } = obstacle(t)
  const cluster = await startCluster(t, { options: OPTIONS, misbehaviour: { kind: 'rejects-with-code', file } })
  const pids = descendants(cluster.pid)
  appear()
  for (const slot of [1, 2]) process.kill(cluster.pidOf(slot), 'SIGKILL')

  assert.deepEqual(await ended(cluster), { code: 1, signal: null })
  await noneLeft(pids)
  const { err } = await cluster.event('cluster-gave-up') as unknown as { err: { code: string, message: string } }
  assert.equal(err.code, 'FST_CLUSTERIZE_CRASH_LOOP')
  assert.match(err.message, /no database/)
  assert.deepEqual([count(cluster, 'crash-loop'), count(cluster, 'stop-unclean')], [1, 0])
  assert.ok(count(cluster, 'worker-exit') > OPTIONS.restart.limit)
})

test('a crash loop in one slot is retried while the other serves, and heals', async t => {
  const { file, appear, vanish } = obstacle(t)
  const cluster = await startCluster(t, { options: OPTIONS, misbehaviour: { kind: 'rejects-with-code', slot: 2, file } })
  appear()
  process.kill(cluster.pidOf(2), 'SIGKILL')
  await cluster.event('crash-loop')
  const more = count(cluster, 'worker-exit') + 2
  await until(() => count(cluster, 'worker-exit') >= more, () => 'two more attempts')

  order(cluster, 'tell')
  const { stats } = await cluster.event('told') as unknown as { stats: { crashLoop: boolean } }
  assert.equal(stats.crashLoop, true)
  assert.equal((await (await connectToSlot(cluster.target, 1)).get('/')).status, 200)
  vanish()
  await until(() => readyLines(cluster, 2).length === 2, () => 'the slot to come back')
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  assert.equal(count(cluster, 'cluster-gave-up'), 0)
})
