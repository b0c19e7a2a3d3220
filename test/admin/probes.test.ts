import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { count, ended, launch, startCluster } from '../cluster/start-cluster.ts'
import { until } from '../helpers/processes.ts'
import type { Started } from '../helpers/processes.ts'
import { ask, runtimeFolder } from './setup.ts'
import type { Where } from './setup.ts'

const WORKERS = 2

/** Waits until `/readyz` gives exactly these reasons. */
async function reasonsBecome (where: Where, expected: readonly string[]): Promise<void> {
  let reasons: unknown
  await until(async () => {
    const answer = await ask(where, '/readyz')
    reasons = answer.json['reasons']
    assert.equal(answer.status, answer.json['ready'] === true ? 200 : 503)
    return JSON.stringify(reasons) === JSON.stringify(expected)
  }, () => `the reasons ${expected.join(', ')}; they were ${JSON.stringify(reasons)}`)
}

async function killWorker (cluster: Started, slot: number): Promise<void> {
  const exits = count(cluster, 'worker-exit')
  // The admin server may have told of the one that is ready before its line in the log is here.
  await until(() => count(cluster, 'worker-ready') === WORKERS + exits, () => `the replacement of worker ${slot} in the log`)
  const ready = cluster.lines().findLast(line => line['event'] === 'worker-ready' && line['slot'] === slot)
  process.kill(Number(ready?.['pid']), 'SIGKILL')
  await until(() => count(cluster, 'worker-exit') > exits, () => `the end of worker ${slot}`)
}

test('tells probes what a cluster goes through, from its boot to its stop', async t => {
  const { env, socketOf } = runtimeFolder(t)
  const where: Where = { socketPath: socketOf('shop') }
  const file = path.join(env.XDG_RUNTIME_DIR, 'go')
  const scenario = {
    options: { name: 'shop', workers: WORKERS, admin: { minReady: WORKERS }, restart: { limit: 1, delay: 20_000, maxDelay: 20_000, jitter: 0 }, shutdown: { delay: 30_000 } },
    misbehaviour: { kind: 'waits-for-file', file }
  } as const

  const killed = launch(t, scenario, { env })
  await killed.event('admin-ready')
  await reasonsBecome(where, ['booting', 'too-few-workers'])
  assert.equal((await ask(where, '/livez')).status, 200)
  const { status, json } = await ask(where, '/reload', { method: 'POST' })
  assert.deepEqual([status, json['code']], [409, 'FST_CLUSTERIZE_BOOTING'])
  killed.killGroup('SIGKILL')
  await killed.allGone()
  assert.equal(existsSync(where.socketPath), process.platform !== 'win32', 'the socket outlives a primary that was killed')

  const cluster = launch(t, scenario, { env })
  await cluster.event('admin-ready')
  await reasonsBecome(where, ['booting', 'too-few-workers'])
  writeFileSync(file, '')
  await cluster.event('cluster-ready')
  assert.equal(count(cluster, 'admin-failed'), 0, 'a stale socket is no failure')
  await reasonsBecome(where, [])
  await killWorker(cluster, 1)
  await reasonsBecome(where, ['too-few-workers'])
  await reasonsBecome(where, [])
  await killWorker(cluster, 1)
  await reasonsBecome(where, ['crash-loop', 'too-few-workers'])
  cluster.kill('SIGTERM')
  await reasonsBecome(where, ['stopping', 'crash-loop', 'too-few-workers'])
  assert.equal((await ask(where, '/livez')).status, 200)
  // Not for the whole delay of the stop.
  cluster.kill('SIGQUIT')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})

test('answers who asked for a reload why it failed', async t => {
  const { env, socketOf } = runtimeFolder(t)
  const where: Where = { socketPath: socketOf('shop') }
  const file = path.join(env.XDG_RUNTIME_DIR, 'broken')
  await startCluster(t, { options: { name: 'shop', workers: 1, admin: true }, misbehaviour: { kind: 'throws', file } }, { env })
  writeFileSync(file, '')
  const { status, json } = await ask(where, '/reload', { method: 'POST' })
  assert.equal(status, 500)
  assert.equal(json['code'], 'FST_CLUSTERIZE_RELOAD_FAILED')
  const cause = json['cause'] as { message: string, stack: string }
  assert.ok(String(json['message']).includes(cause.message))
  assert.match(cause.stack, /misbehave/)
  const { json: { lastReload, generation } } = await ask(where, '/status')
  assert.deepEqual([(lastReload as { state: string }).state, generation], ['failed', 1])
})
