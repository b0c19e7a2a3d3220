// Workers whose health check fails: they rest while another is fit, come back when they recover, and are replaced when they do not.
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectToSlot } from '../cluster/connect-to.ts'
import { ended, readyLines, startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import type { Condition } from '../fixtures/health.ts'
import type { ClusterizeOptions } from '../../src/index.ts'
import { connect } from '../helpers/http-connection.ts'
import { startLoad } from '../helpers/load.ts'
import { until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'

const MANY = 20

interface Patients { readonly cluster: Cluster, readonly fall: (who: Record<string, Condition>) => void }

async function startPatients (t: TestContext, options: ClusterizeOptions, failures: number): Promise<Patients> {
  const folder = mkdtempSync(path.join(tmpdir(), 'health-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'conditions.json')
  const cluster = await startCluster(t, { options: { workers: 2, snapshotInterval: 50, reload: { stableFor: 50 }, ...options }, health: { file, interval: 50, timeout: 5_000, failures } })
  return {
    cluster,
    fall (who) {
      // In one step: a check may read at any moment.
      writeFileSync(`${file}.new`, JSON.stringify(who))
      renameSync(`${file}.new`, file)
    }
  }
}

async function answeredBy ({ target }: Cluster, connections: number): Promise<Set<string | undefined>> {
  const workers = new Set<string | undefined>()
  for (let i = 0; i < connections; i++) {
    const client = await connect(target)
    workers.add((await client.get('/')).headers['x-worker-id'])
    client.close()
  }
  return workers
}

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  test(`an unhealthy worker gets no new connection and keeps none, until it is healthy again (${scheduling})`, async t => {
    const { cluster, fall } = await startPatients(t, { scheduling }, 100_000)
    const kept = await connectToSlot(cluster.target, 2)
    fall({ [cluster.pidOf(2)]: 'says-false' })
    const line = await cluster.event('worker-unhealthy')
    assert.deepEqual([line['slot'], line['reason']], [2, 'it said false'])
    await until(async () => !(await answeredBy(cluster, MANY)).has('2'), () => 'connections that avoid worker 2')

    assert.deepEqual(await answeredBy(cluster, MANY), new Set(['1']))
    assert.equal((await kept.get('/')).headers['x-worker-id'], '1')

    fall({})
    await cluster.event('worker-healthy', ({ slot }) => slot === 2)
    assert.equal((await connectToSlot(cluster.target, 2)).isEnding(), false)
    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  })
}

test('where no worker is healthy all serve on', async t => {
  const { cluster, fall } = await startPatients(t, {}, 100_000)
  fall({ all: 'throws' })
  for (const slot of [1, 2]) await cluster.event('worker-unhealthy', line => line['slot'] === slot)
  for (const slot of [1, 2]) (await connectToSlot(cluster.target, slot)).close()
})

test('a worker that rests can be stopped and replaced like any other, on localhost with its two addresses too', async t => {
  const { cluster, fall } = await startPatients(t, { host: 'localhost' }, 100_000)
  fall({ [cluster.pidOf(2)]: 'rejects' })
  await until(async () => !(await answeredBy(cluster, MANY)).has('2'), () => 'connections that avoid worker 2')
  cluster.kill('SIGHUP')
  await cluster.event('reload-done')
  const client = await connectToSlot(cluster.target, 2)
  assert.equal((await client.get('/')).headers['x-worker-generation'], '2')

  fall({ [cluster.pidOf(1)]: 'rejects' })
  await until(async () => !(await answeredBy(cluster, MANY)).has('1'), () => 'connections that avoid worker 1')
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})

test('one that stays unhealthy is replaced, replacement first, and no request fails', async t => {
  const { cluster, fall } = await startPatients(t, {}, 3)
  const load = startLoad({ target: cluster.target, connections: 12, random: seeded(3), think: 20, reconnect: 'never' })
  await load.reached(50)
  fall({ [cluster.pidOf(1)]: 'rejects' })
  const line = await cluster.event('worker-sick')
  const exit = await cluster.event('worker-exit')

  assert.deepEqual([line['slot'], exit['slot'], exit['kind'], exit['code']], [1, 1, 'unhealthy', 0])
  assert.ok(Number(line['failures']) >= 3)
  const lines = cluster.lines()
  assert.ok(lines.indexOf(exit) > lines.indexOf(readyLines(cluster, 1)[1] ?? {}), 'the replacement was ready first')
  await load.reached(50)
  const { failures, endings } = await load.stop()
  assert.deepEqual([failures, endings], [[], { announced: 0, idle: 0, cut: 0 }])
})
