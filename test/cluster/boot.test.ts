// Booting: all workers at once, or a rejection with the reason and no process left.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { ClusterizeOptions } from '../../src/index.ts'
import { addressOfHandle, bindHandle, listenOnHandle } from '../../src/node-internals.ts'
import type { Misbehaviour } from '../fixtures/scenario.ts'
import { get } from '../helpers/get.ts'
import { descendants, noneLeft } from '../helpers/processes.ts'
import { connectToSlot } from './connect-to.ts'
import { count, ended, launch, startCluster } from './start-cluster.ts'

interface Told { code?: string, name: string, message: string, stack: string, cause?: Told }
interface Expected { code?: string, message: RegExp, stack?: RegExp }

const UNCLEAN = { code: 1, signal: null }

const FAILURES: ReadonlyArray<readonly [Misbehaviour, Expected, ClusterizeOptions?]> = [
  ['throws', { message: /^buildApp threw$/, stack: /misbehave/ }],
  ['rejects', { message: /^buildApp rejected$/, stack: /^TypeError.*misbehave/s }],
  ['rejects-with-code', { code: 'ECONNREFUSED', message: /^no database$/, stack: /misbehave/ }],
  ['never-resolves', { code: 'FST_CLUSTERIZE_BOOT_TIMEOUT', message: /bootTimeout \(3000 ms\)/ }, { bootTimeout: 3_000 }],
  ['not-fastify', { code: 'FST_CLUSTERIZE_NOT_FASTIFY', message: /listen: 'me'/ }],
  ['already-listening', { code: 'FST_CLUSTERIZE_ALREADY_LISTENING', message: /app\.listen/ }],
  ['already-ready', { code: 'FST_CLUSTERIZE_APP_READY', message: /already ready/ }],
  ['exits-3', { code: 'FST_CLUSTERIZE_WORKER_DIED', message: /code 3\b/ }],
  ['crashes-when-listening', { message: /^crashed when listening$/, stack: /misbehave/ }],
  ['registers-a-broken-plugin', { message: /^the plugin broke$/, stack: /misbehave/ }],
  ['registers-twice', { code: 'FST_CLUSTERIZE_PLUGIN_TWICE', message: /already registered/ }]
]

for (const [kind, expected, options] of FAILURES) {
  test(`a buildApp that ${kind} rejects clusterize() with the worker's error, and leaves no process`, async t => {
    const started = launch(t, { options: { workers: 1, ...options }, misbehaviour: { kind }, withoutPlugin: kind === 'already-ready' })

    const { error } = await started.event('rejected') as unknown as { error: Told }

    assertBootFailed(error, expected)
    assert.deepEqual(await ended(started), UNCLEAN)
    assert.equal(count(started, 'worker-ready'), 0)
    assert.equal(count(started, 'forked'), 1)
  })
}

test('one worker that fails to boot takes the others down with it', async t => {
  const started = launch(t, { options: { workers: 2 }, misbehaviour: { kind: 'rejects', slot: 2 } })

  const { error } = await started.event('rejected') as unknown as { error: Told }

  assertBootFailed(error, { message: /buildApp rejected/ })
  assert.deepEqual(await ended(started), UNCLEAN)
})

for (const scheduling of ['kernel', 'round-robin'] as const) {
  test(`a port that is in use rejects clusterize() (${scheduling})`, async t => {
    const port = await occupy(t, { port: 0, host: '127.0.0.1' })
    const started = launch(t, { options: { workers: 2, port, scheduling } })

    const { error } = await started.event('rejected') as unknown as { error: Told }

    assertBootFailed(error, { code: 'EADDRINUSE', message: new RegExp(`${port}`) })
    assert.deepEqual(await ended(started), UNCLEAN)
  })

  test(`a Unix socket that is in use rejects clusterize() and stays (${scheduling})`, async t => {
    const socket = path.join(await folder(t), 'taken.sock')
    await occupy(t, { path: socket })
    const started = launch(t, { options: { workers: 1, path: socket, scheduling } })

    const { error } = await started.event('rejected') as unknown as { error: Told }

    assertBootFailed(error, { code: 'EADDRINUSE', message: /taken\.sock/ })
    assert.ok(existsSync(socket))
  })
}

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  test(`a port that somebody else listens on before the workers are ready rejects clusterize() (${scheduling})`, async t => {
    // Both can bind it as long as neither listens.
    const ours = bindHandle({ address: '127.0.0.1', port: 0, ipv6Only: false })
    t.after(() => ours.close())
    const bound = addressOfHandle(ours)
    const port = typeof bound === 'object' ? bound.port : 0
    const release = path.join(await folder(t), 'release')
    const started = launch(t, { options: { workers: 1, port, scheduling }, misbehaviour: { kind: 'waits-for-file', file: release } })
    await started.event('forked')
    const server = net.createServer()
    t.after(() => server.close())
    listenOnHandle(server, ours, 511)
    await once(server, 'listening')
    await writeFile(release, '')

    const { error } = await started.event('rejected') as unknown as { error: Told }

    assertBootFailed(error, { code: 'EADDRINUSE', message: /^listen EADDRINUSE: / })
    assert.deepEqual(await ended(started), UNCLEAN)
    assert.equal(count(started, 'worker-ready'), 0)
  })
}

test('a rejected clusterize() leaves nothing that keeps the process alive', async t => {
  const started = launch(t, { options: { workers: 1 }, misbehaviour: { kind: 'throws' }, onRejection: 'swallow' })

  await started.event('rejected')

  assert.deepEqual(await ended(started), { code: 0, signal: null })
})

test('a worker that boots slowly delays none of the others', async t => {
  const directory = await folder(t)
  const [socket, release] = [path.join(directory, 'app.sock'), path.join(directory, 'release')]
  const started = launch(t, { options: { workers: 2, path: socket }, misbehaviour: { kind: 'waits-for-file', slot: 1, file: release } })

  await started.event('worker-ready', ({ slot }) => slot === 2)
  const { headers } = await get({ socketPath: socket, path: '/' })
  await writeFile(release, '')
  await started.event('cluster-ready')

  assert.equal(headers['x-worker-id'], '2')
  assert.equal(count(started, 'worker-ready'), 2)
})

test('a replacement that fails to boot does not take the cluster down, and the slot comes back once it can', async t => {
  const broken = path.join(await folder(t), 'broken')
  const cluster = await startCluster(t, { options: { workers: 2, restart: { delay: 50, maxDelay: 50 } }, misbehaviour: { kind: 'rejects', slot: 2, file: broken } })
  const [first, second] = [cluster.pidOf(1), cluster.pidOf(2)]
  await writeFile(broken, '')

  process.kill(second, 'SIGKILL')
  await cluster.event('worker-exit', ({ slot, pid, reason }) => slot === 2 && pid !== second && /buildApp rejected/.test(String(reason)))
  const { headers } = await get({ ...cluster.target, path: '/' })
  await rm(broken)
  await cluster.event('worker-ready', ({ slot, pid }) => slot === 2 && pid !== second)

  assert.equal(headers['x-worker-pid'], String(first))
  await connectToSlot(cluster.target, 2)
})

test('a SIGTERM during boot stops what has come up and what has not', async t => {
  const started = launch(t, { options: { workers: 2 }, misbehaviour: { kind: 'never-resolves', slot: 2 } })
  await started.event('worker-ready', ({ slot }) => slot === 1)
  const pids = descendants(started.pid)

  started.kill('SIGTERM')

  assert.deepEqual(await ended(started), { code: 0, signal: null })
  await noneLeft(pids)
  assert.equal(count(started, 'rejected'), 0)
})

test('a SIGTERM right after the fork stops workers that do not listen to orders yet', async t => {
  // What arrives before clusterize() is called goes to the user's own listener alone.
  const started = launch(t, { options: { workers: 2 }, chats: true })
  await started.event('forked')
  const pids = descendants(started.pid)

  started.kill('SIGTERM')

  assert.deepEqual(await ended(started), { code: 0, signal: null })
  await noneLeft(pids)
  assert.equal(count(started, 'worker-killed'), 0)
})

function assertBootFailed (error: Told, { code, message, stack = /\n {4}at / }: Expected): void {
  assert.equal(error.code, 'FST_CLUSTERIZE_BOOT_FAILED')
  assert.match(error.message, /^The cluster did not come up: /)
  assert.equal(error.cause?.code, code)
  assert.match(error.cause?.message ?? '', message)
  assert.match(error.cause?.stack ?? '', stack)
}

async function folder (t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'cluster-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Listens in the test's own process; returns the port, if there is one. */
async function occupy (t: TestContext, where: net.ListenOptions): Promise<number> {
  const server = net.createServer()
  await once(server.listen(where), 'listening')
  t.after(() => server.close())
  const address = server.address()
  return typeof address === 'object' ? address?.port ?? 0 : 0
}
