// Workers that stand still: killed and replaced past hangTimeout, left alone before, while the others serve.
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectToSlot } from '../cluster/connect-to.ts'
import { ended, readyLines, startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import { connect } from '../helpers/http-connection.ts'
import type { Line } from '../helpers/processes.ts'
import { until } from '../helpers/processes.ts'

/** With `--inspect` Node gives a worker the port behind the primary's, which another process may have: then its inspector stays closed. */
const INSPECTED = `--import=data:text/javascript,${encodeURIComponent("import inspector from 'node:inspector'; inspector.open(0)")}`
const OPTIONS = { workers: 2, snapshotInterval: 50, hangTimeout: 2_000 }

/** A loop that is blocked can be asked where, a process that is stopped cannot. */
function checkReport (t: TestContext, { report, requests, pid }: Line, how: string): void {
  if (how === 'was stopped by SIGSTOP') return assert.equal(report, undefined)
  t.after(() => rmSync(String(report)))
  if (how === 'is blocked in native code') return assert.match(readFileSync(String(report), 'utf8'), /native code/)
  assert.deepEqual((requests as Array<{ url: string }>).map(({ url }) => url), ['/block'])
  const written = JSON.parse(readFileSync(String(report), 'utf8')) as { pid: number, stack: string[], report: { header: { processId: number }, environmentVariables?: object } }
  assert.deepEqual([written.pid, written.report.header.processId], [pid, pid])
  assert.match(written.stack[0] ?? '', /fixtures\/app\./)
  assert.equal(written.report.environmentVariables, undefined)
}

/** Resolves once the slot's second worker is ready. */
async function replaced (cluster: Cluster, slot: number): Promise<void> {
  await until(() => readyLines(cluster, slot).length === 2, () => `a replacement in slot ${slot}`)
}

for (const how of ['is blocked by an endless loop', 'is blocked in native code', 'was stopped by SIGSTOP'] as const) {
  test(`a worker that ${how} is killed and replaced, while the other serves`, async t => {
    // A loaded machine takes its time to stop a thread, and a quarter of the time is for the report.
    const hangTimeout = how === 'is blocked by an endless loop' ? 8_000 : OPTIONS.hangTimeout
    const cluster = await startCluster(t, { options: { ...OPTIONS, hangTimeout } })
    const other = await connectToSlot(cluster.target, 2)
    const hanging = await connectToSlot(cluster.target, 1)
    const pid = cluster.pidOf(1)
    if (how === 'was stopped by SIGSTOP') process.kill(pid, 'SIGSTOP')
    else hanging.write(how === 'is blocked in native code' ? 'GET /block?kind=native HTTP/1.1\r\nhost: test\r\n\r\n' : 'GET /block HTTP/1.1\r\nhost: test\r\n\r\n')

    const stalled = cluster.event('worker-stalled')
    const served = stalled.then(() => other.get('/'))
    await replaced(cluster, 1)

    assert.deepEqual([(await served).status, (await served).headers['x-worker-id']], [200, '2'])
    const hung = await cluster.event('worker-hung')
    assert.deepEqual([hung['slot'], hung['pid']], [1, pid])
    assert.ok(Number(hung['ms']) >= hangTimeout, JSON.stringify(hung))
    assert.equal(typeof hung['inFlight'], 'number')
    checkReport(t, hung, how)
    const exit = await cluster.event('worker-exit')
    assert.deepEqual([exit['slot'], exit['signal'], exit['kind']], [1, 'SIGKILL', 'killed-hang'])
    assert.equal((await connectToSlot(cluster.target, 1)).isEnding(), false)
    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  })
}

test('a worker that pauses for less than hangTimeout is warned of, and serves on', async t => {
  const cluster = await startCluster(t, { options: { ...OPTIONS, hangTimeout: 20_000 } })
  const pid = cluster.pidOf(1)
  process.kill(pid, 'SIGSTOP')
  const stalled = await cluster.event('worker-stalled')
  process.kill(pid, 'SIGCONT')

  const client = await connectToSlot(cluster.target, 1)
  assert.equal((await client.get('/')).headers['x-worker-pid'], String(pid))
  assert.equal(stalled['slot'], 1)
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  assert.equal(cluster.lines().some(({ event }) => event === 'worker-hung'), false)
})

test('with hangTimeout off, and with an open inspector, a worker may stand still for ever', async t => {
  const [off, inspected, watched] = await Promise.all([
    startCluster(t, { options: { ...OPTIONS, workers: 1, hangTimeout: false } }),
    startCluster(t, { options: { ...OPTIONS, workers: 1 } }, { env: { NODE_OPTIONS: INSPECTED } }),
    startCluster(t, { options: { ...OPTIONS, workers: 1 } })
  ])
  for (const cluster of [off, inspected, watched]) process.kill(cluster.pidOf(1), 'SIGSTOP')

  // Stopped last, killed first: the others have had their time.
  await watched.event('worker-hung')
  for (const cluster of [off, inspected]) {
    process.kill(cluster.pidOf(1), 'SIGCONT')
    const client = await connect(cluster.target)
    assert.equal((await client.get('/')).headers['x-worker-pid'], String(cluster.pidOf(1)))
    assert.equal(cluster.lines().some(({ event }) => event === 'worker-hung'), false)
    client.close()
  }
})

test('a primary that was stopped itself does not take its workers for hanging', async t => {
  const cluster = await startCluster(t, { options: OPTIONS })
  cluster.killGroup('SIGSTOP')
  const stoppedAt = performance.now()
  await until(() => performance.now() > stoppedAt + 2 * OPTIONS.hangTimeout, () => 'twice hangTimeout')
  cluster.killGroup('SIGCONT')

  // Long enough for the primary to have looked many times.
  process.kill(cluster.pidOf(2), 'SIGSTOP')
  assert.equal((await cluster.event('worker-hung'))['slot'], 2)
  assert.equal(cluster.lines().filter(({ event }) => event === 'worker-hung').length, 1)
  assert.equal(readyLines(cluster, 1).length, 1)
})
