// Every way in which a user may start the entry file, what reaches the workers, and the processes in which clusterize() refuses.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { get } from '../helpers/get.ts'
import { connect } from '../helpers/http-connection.ts'
import { startProcess } from '../helpers/processes.ts'
import { runnable } from '../helpers/runnable.ts'
import type { StartOptions } from '../helpers/processes.ts'
import { count, ended, order, startCluster } from './start-cluster.ts'

interface Seen { pid: number, ppid: number, argv: string[], execArgv: string[], mark?: string, workerVariable?: string, inspector?: string | null }

/** Without a flag, as Node does from 22.18 on. */
const stripsTypes = Boolean(Reflect.get(process.features, 'typescript'))
const CLEAN = { code: 0, signal: null }
const TSX = ['--import', import.meta.resolve('tsx')]
const TSX_COMMAND = fileURLToPath(import.meta.resolve('tsx/cli'))
const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))
const SOURCE = fileURLToPath(new URL('../../src/index.ts', import.meta.url))

const STYLES: ReadonlyArray<readonly [name: string, entry: string, options: StartOptions]> = [
  ['node --import tsx entry.ts', 'entry.ts', { execArgv: TSX }],
  ['tsx entry.ts', TSX_COMMAND, { execArgv: [], args: [path.join(FIXTURES, 'entry.ts')] }],
  ['node entry.mjs', 'entry.mjs', { execArgv: [] }],
  ['node entry.cjs', 'entry.cjs', { execArgv: [] }],
  ...stripsTypes ? [['node entry.ts, types stripped', 'entry.ts', { execArgv: [] }]] as const : []
]

for (const [name, entry, options] of STYLES) {
  test(`works as "${name}", with its arguments and environment in the workers`, async t => {
    assert.ok(existsSync(new URL('../../dist/index.js', import.meta.url)), 'run "npm run build" first: some entries use the built package')
    const started = startProcess(t, entry, { ...options, args: [...options.args ?? [], 'one', '--two'], env: { TEST_MARK: name } })
    const { addresses } = await started.event('resolved') as unknown as { addresses: Array<{ address: string, port: number }> }
    const [where] = addresses

    const { headers, body } = await get({ host: where?.address, port: where?.port, path: '/process' })
    const seen = JSON.parse(body) as Seen
    // Not the command, which passes a signal on and kills whoever does not confirm it within 30 ms, as a loaded machine may not.
    process.kill(seen.ppid, 'SIGTERM')

    assert.match(String(headers['x-worker-id']), /^\d+$/)
    assert.notEqual(seen.pid, started.pid)
    assert.deepEqual([seen.argv, seen.mark], [['one', '--two'], name])
    assert.deepEqual(await ended(started), CLEAN)
  })
}

test('execArgv reaches the workers, and the variable that makes them workers stays out of their environment', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } }, { nodeArgs: ['--stack-trace-limit=37'] })

  const seen = JSON.parse((await get({ ...cluster.target, path: '/process' })).body) as Seen

  assert.ok(seen.execArgv.includes('--stack-trace-limit=37'))
  assert.equal(seen.ppid, cluster.pid)
  assert.equal(seen.workerVariable, undefined)
})

test('--inspect gives each worker a port of its own', async t => {
  const cluster = await startCluster(t, { options: { workers: 2 } }, { nodeArgs: ['--inspect=127.0.0.1:0'] })
  const inspectors = new Map<number, string | null | undefined>()

  while (inspectors.size < 2) {
    const { body } = await get({ ...cluster.target, path: '/process' })
    const { pid, inspector } = JSON.parse(body) as Seen
    inspectors.set(pid, inspector)
  }

  const urls = [...inspectors.values()].map(url => new URL(url ?? '').host)
  assert.equal(new Set(urls).size, 2, urls.join())
})

test('code without a file (--eval) is refused, since there is nothing to fork', () => {
  const { execArgv, file } = runnable(SOURCE)
  const code = `import { clusterize } from '${pathToFileURL(file).href}'; await clusterize(() => {}, { workers: 1 }).catch(({ code }) => console.log(code))`
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [...execArgv, '--input-type=module', '--eval', code], { encoding: 'utf8' })

  assert.equal(stdout.trim(), 'FST_CLUSTERIZE_NO_ENTRY', `${signal ?? status}: ${stderr}`)
  assert.equal(status, 0)
})

test('a second clusterize() in one process is refused, and the first serves on', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })

  order(cluster, 'clusterize-again')

  const { code } = await cluster.event('again')
  assert.equal(code, 'FST_CLUSTERIZE_ALREADY_STARTED')
  assert.equal((await get({ ...cluster.target, path: '/' })).status, 200)
})

test('a worker of a cluster that somebody else made is refused', async t => {
  const started = startProcess(t, 'nested.ts')

  const { error } = await started.event('rejected') as { error?: { code: string } }

  assert.equal(error?.code, 'FST_CLUSTERIZE_NESTED')
  assert.deepEqual(await ended(started), CLEAN)
})

test('messages of the user pass in both directions and are nobody else\'s', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 }, chats: true })

  order(cluster, 'greet-workers')

  // The greeting looks like an order of this package, without its tag.
  await cluster.event('foreign', ({ message }) => isDeepStrictEqual(message, { heard: { hello: 'worker', type: 'drain' } }))
  await cluster.event('foreign', ({ message }) => message === 'a plain string')
  assert.equal((await (await connect(cluster.target)).get('/')).status, 200)
  assert.equal(count(cluster, 'draining'), 0)
})
