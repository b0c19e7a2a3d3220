// What surrounds the cluster ends or begins it: a terminal that closes, a PID namespace whose first process it is, a killer.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { connectToSlot } from '../cluster/connect-to.ts'
import { readyLines, startCluster } from '../cluster/start-cluster.ts'
import { lacks } from '../helpers/lacks.ts'
import { descendants, noneLeft, until } from '../helpers/processes.ts'

const SCRIPT = ['script', '--quiet', '--return', '--command', 'exec true', '/dev/null'] as const

test('SIGHUP from a terminal that closes is a stop, any other is a reload', async t => {
  if (lacks(t, SCRIPT)) return
  const inTerminal = (command: readonly string[]): string[] => [...SCRIPT.slice(0, 4), `exec ${command.map(part => `'${part}'`).join(' ')}`, '/dev/null']
  // Without options of its own the log would be made pretty on a terminal.
  const cluster = await startCluster(t, { options: { workers: 1, idleGrace: 100, reload: { stableFor: 50 }, logger: { level: 'info' } } }, { wrap: inTerminal })
  const pids = descendants(cluster.pid)
  const [primary = assert.fail('there is no primary')] = pids

  process.kill(primary, 'SIGHUP')
  await cluster.event('reload-done')
  await connectToSlot(cluster.target, 1)
  pids.push(...descendants(primary))
  cluster.kill('SIGKILL')

  await noneLeft(pids)
})

const UNSHARE = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc'] as const

test('as PID 1 of its namespace the cluster replaces a dead worker and stops with 0', async t => {
  if (lacks(t, [...UNSHARE, 'true'])) return
  const cluster = await startCluster(t, { options: { workers: 2, idleGrace: 100 } }, { wrap: command => [...UNSHARE, ...command] })
  const pids = descendants(cluster.pid)
  const [primary = assert.fail('there is no primary'), worker = assert.fail('there is no worker')] = pids
  assert.equal((await cluster.event('resolved'))['pid'], 1)

  process.kill(worker, 'SIGKILL')
  const { slot } = await cluster.event('worker-exit')
  await until(() => readyLines(cluster, Number(slot)).length === 2, () => 'a replacement')
  pids.push(...descendants(primary))
  process.kill(primary, 'SIGTERM')

  // unshare ends as its child does.
  await cluster.allGone()
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
  await noneLeft(pids)
})

for (const scheduling of ['connection', 'request'] as const) {
  test(`after the SIGKILL of a primary that accepts (${scheduling}) the last worker leaves no socket and no folder behind`, async t => {
    const temporary = mkdtempSync(path.join(tmpdir(), 'killed-primary-'))
    t.after(() => rmSync(temporary, { recursive: true, force: true }))
    const cluster = await startCluster(t, { options: { workers: 2, scheduling, idleGrace: 100, compileCache: false } }, { env: { TMPDIR: temporary } })
    const own = (): string[] => readdirSync(temporary).filter(name => name.startsWith('fastify-clusterize-'))
    const [folder = assert.fail('there is no folder'), ...more] = own()
    assert.deepEqual(more, [])
    // One that is killed leaves its socket to the primary.
    process.kill(cluster.pidOf(1), 'SIGKILL')
    await until(() => readyLines(cluster, 1).length === 2, () => 'a replacement')
    assert.equal(readdirSync(path.join(temporary, folder)).length, 2)
    const workers = descendants(cluster.pid)

    cluster.kill('SIGKILL')
    await noneLeft(workers)
    assert.deepEqual(own(), [])
  })
}
