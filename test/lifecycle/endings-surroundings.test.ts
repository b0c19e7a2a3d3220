// What surrounds the cluster ends or begins it: a terminal that closes, a PID namespace whose first process it is.
import assert from 'node:assert/strict'
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
