// Orders by signal that come while the first workers boot are carried out once these are up: nobody hears of a refusal.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { count, ended, launch } from '../cluster/start-cluster.ts'
import type { Started } from '../helpers/processes.ts'

/** A cluster whose workers come up when `go` is called. */
async function booting (t: TestContext): Promise<{ cluster: Started, go: () => void }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'early-orders-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'go')
  const cluster = launch(t, { options: { workers: 1, reload: { stableFor: 50 } }, misbehaviour: { kind: 'waits-for-file', file } })
  await cluster.event('forked')
  return { cluster, go: () => writeFileSync(file, '') }
}

test('SIGHUP during the boot: the code may have changed since, so a reload follows', async t => {
  const { cluster, go } = await booting(t)
  cluster.kill('SIGHUP')
  go()
  await cluster.event('reload-done', ({ generation }) => generation === 2)
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})

test('SIGTTIN twice during the boot: two workers more', async t => {
  const { cluster, go } = await booting(t)
  cluster.kill('SIGTTIN')
  await cluster.event('order-deferred')
  cluster.kill('SIGTTIN')
  go()
  await cluster.event('scale-done', ({ workers }) => workers === 3)
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})

test('SIGHUP, then SIGTERM during the boot: nothing but the stop', async t => {
  const { cluster } = await booting(t)
  cluster.kill('SIGHUP')
  await cluster.event('order-deferred')
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  assert.equal(count(cluster, 'reload-started'), 0)
})
