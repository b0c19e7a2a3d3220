// What a running cluster tells about its workers, those that have ended included.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { order, readyLines, startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import { connectToSlot } from '../cluster/connect-to.ts'
import type { HistoryEntry, WorkerView, ClusterStats } from '../../src/index.ts'
import { until } from '../helpers/processes.ts'

interface Told { stats: ClusterStats, workers: WorkerView[], history: HistoryEntry[][] }

async function tell (cluster: Cluster): Promise<Told> {
  const before = cluster.lines().length
  order(cluster, 'tell')
  const isNew = (): object | undefined => cluster.lines().slice(before).find(({ event }) => event === 'told')
  await until(() => isNew() !== undefined, () => 'an answer')
  return isNew() as Told
}

const SNAPSHOT = {
  utilization: 'number',
  loopDelay: { p50: 'number', p99: 'number', max: 'number' },
  memory: { rss: 'number', heapUsed: 'number', heapLimit: 'number' },
  gc: 'number',
  uptime: 'number',
  inspected: 'boolean',
  health: { state: 'string', failures: 'number', reason: 'object' },
  requests: { inFlight: 'number', total: 'number', shed: 'number', rate: 'number', shedShare: 'number', responses: { '1xx': 'number', '2xx': 'number', '3xx': 'number', '4xx': 'number', '5xx': 'number' } },
  shedding: { active: 'boolean', share: 'number', delay: 'number', limit: 'object', shed: {} },
  connections: { open: 'number', idle: 'number', movedIn: 'number', movedOut: 'number' }
}

/** Its fields, each with the type of its value. */
function shapeOf (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shapeOf(part)]))
}

test('the views hold reports of every worker, how the last one of a slot ended, and the history of both', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, snapshotInterval: 50 } })
  const first = cluster.pidOf(2)
  const client = await connectToSlot(cluster.target, 2)
  await until(async () => ((await tell(cluster)).history[1]?.at(-1)?.snapshot.requests.total ?? 0) > 0, () => 'a report of the request')
  process.kill(first, 'SIGKILL')
  await client.ended
  await until(() => readyLines(cluster, 2).length === 2, () => 'a replacement')
  await until(async () => (await tell(cluster)).workers[1]?.snapshot !== undefined, () => 'its first report')

  const { stats, workers, history } = await tell(cluster)
  assert.deepEqual(workers.map(({ id, state, pid }) => [id, state, pid]), [[1, 'ready', cluster.pidOf(1)], [2, 'ready', cluster.pidOf(2)]])
  assert.deepEqual(stats.workers, { ...stats.workers, wanted: 2, ready: 2 })
  assert.deepEqual(stats.slots.map(({ id, exits, lastExit }) => [id, exits, lastExit?.pid, lastExit?.signal, lastExit?.expected]), [[1, 0, undefined, undefined, undefined], [2, 1, first, 'SIGKILL', false]])
  assert.match(stats.slots[1]?.lastExit?.reason ?? '', /SIGKILL/)
  assert.deepEqual([...new Set(history[1]?.map(({ pid }) => pid))], [first, cluster.pidOf(2)])
  assert.deepEqual(shapeOf(workers[0]?.snapshot), SNAPSHOT)
  assert.deepEqual([...new Set(history[0]?.map(({ pid }) => pid))], [cluster.pidOf(1)])
})
