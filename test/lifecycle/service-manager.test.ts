// Under a service manager: it is told how the cluster does, and its sockets are served.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ended, launch, startCluster } from '../cluster/start-cluster.ts'
import { connect } from '../helpers/http-connection.ts'
import { lacks } from '../helpers/lacks.ts'
import { until } from '../helpers/processes.ts'

const PERL = ['perl', '-MPOSIX', '-MSocket', '-e', '1'] as const
const TOOL = ['systemd-notify', '--version'] as const

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

function temporaryFolder (t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'service-manager-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Listens as systemd does, and keeps what it was told. */
async function listenAsManager (t: TestContext, name: string): Promise<string[]> {
  const ear = spawn('perl', [fixture('notify-socket.pl'), name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = new Promise(resolve => { ear.once('exit', resolve) })
  t.after(async () => {
    ear.kill('SIGKILL')
    await gone
  })
  const told: string[] = []
  createInterface(ear.stdout).on('line', line => told.push(line))
  await until(() => told.includes('listening'), () => 'the notification socket')
  return told
}

for (const kind of ['path', 'abstract name'] as const) {
  const workers = kind === 'path' ? 2 : 1
  test(`a service manager hears of readiness, life, reload and stop (socket with ${kind})`, async t => {
    if (lacks(t, PERL) || lacks(t, TOOL)) return
    const name = kind === 'path' ? path.join(temporaryFolder(t), 'notify') : `@fastify-clusterize-test-${process.pid}`
    const told = await listenAsManager(t, name)
    const heard = async (start: string): Promise<string> => {
      await until(() => told.some(line => line.startsWith(start)), () => `${start} among\n${told.join('\n')}`)
      return told.find(line => line.startsWith(start)) ?? ''
    }
    const cluster = await startCluster(t, { options: { workers, idleGrace: 100, reload: { stableFor: 50 } } }, { env: { NOTIFY_SOCKET: name, WATCHDOG_USEC: '200000' } })

    assert.equal(await heard('READY=1'), `READY=1 | STATUS=${workers} of ${workers} workers ready, generation 1`)
    await heard('WATCHDOG=1')
    assert.doesNotMatch(readFileSync(`/proc/${cluster.pidOf(1)}/environ`, 'utf8'), /NOTIFY_SOCKET|WATCHDOG_/)
    cluster.kill('SIGHUP')
    const [, clock] = /^RELOADING=1 \| MONOTONIC_USEC=(\d+) \| STATUS=generation 2 comes up$/.exec(await heard('RELOADING=1')) ?? []
    assert.ok(Number(clock) / 1e6 <= Number(process.hrtime.bigint()) / 1e9)
    await heard(`READY=1 | STATUS=${workers} of ${workers} workers ready, generation 2`)
    process.kill(cluster.pidOf(1), 'SIGKILL')
    await heard(`STATUS=${workers - 1} of ${workers} workers ready, generation 2`)
    cluster.kill('SIGTERM')
    assert.equal(await heard('STOPPING=1'), 'STOPPING=1 | STATUS=stopping: SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
    assert.ok(told.findIndex(line => line.startsWith('RELOADING=1')) > told.findIndex(line => line.startsWith('READY=1')))
  })
}

test('a service manager that cannot be told is named once in the log, and the cluster serves', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, idleGrace: 100 } }, { env: { NOTIFY_SOCKET: '/nobody/listens/here' } })
  const { err } = await cluster.event('service-manager-unreachable')
  assert.match(JSON.stringify(err), /systemd-notify/)
  const client = await connect(cluster.target)
  assert.equal((await client.get('/')).status, 200)
  client.close()
})

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  test(`sockets that a service manager opened are served in place of port and host (${scheduling})`, async t => {
    if (lacks(t, PERL)) return
    const socket = path.join(temporaryFolder(t), 'http')
    const wrap = (command: readonly string[]): string[] => ['perl', fixture('activate.pl'), socket, ...command]
    const cluster = await startCluster(t, { options: { workers: 2, port: 1, scheduling, idleGrace: 100 } }, { wrap })
    const [tcp, unix] = cluster.addresses
    assert.ok(typeof tcp === 'object' && tcp.address === '127.0.0.1')
    assert.equal(unix, socket)
    for (const target of [cluster.target, { path: socket }]) {
      const client = await connect(target)
      assert.equal((await client.get('/')).status, 200)
      client.close()
    }
    assert.doesNotMatch(readFileSync(`/proc/${cluster.pidOf(1)}/environ`, 'utf8'), /LISTEN_/)
    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), { code: 0, signal: null })
  })
}

test('with workers: 0 the process itself serves the sockets and tells of itself', async t => {
  if (lacks(t, PERL) || lacks(t, TOOL)) return
  const folder = temporaryFolder(t)
  const notify = path.join(folder, 'notify')
  const told = await listenAsManager(t, notify)
  const wrap = (command: readonly string[]): string[] => ['perl', fixture('activate.pl'), path.join(folder, 'http'), ...command]
  const cluster = await startCluster(t, { options: { workers: 0, idleGrace: 100 } }, { wrap, env: { NOTIFY_SOCKET: notify } })
  const client = await connect({ path: path.join(folder, 'http') })
  assert.equal((await client.get('/')).status, 200)
  client.close()
  await until(() => told.includes('READY=1 | STATUS=serving in one process'), () => told.join('\n'))
  cluster.kill('SIGTERM')
  await until(() => told.includes('STOPPING=1 | STATUS=stopping'), () => told.join('\n'))
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})

test('Node\'s own round robin cannot serve such sockets, and says so', async t => {
  if (lacks(t, PERL)) return
  const wrap = (command: readonly string[]): string[] => ['perl', fixture('activate.pl'), path.join(temporaryFolder(t), 'http'), ...command]
  const started = launch(t, { options: { workers: 1, scheduling: 'round-robin' } }, { wrap })
  assert.match(JSON.stringify(await started.event('rejected')), /LISTEN_FDS.*FST_CLUSTERIZE_CONFLICTING_OPTIONS/)
})
