// Nobody takes what the cluster writes, or nothing comes to its stdin: it serves on, reloads, and stops as ever.
import assert from 'node:assert/strict'
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { SCENARIO_VARIABLE } from '../fixtures/scenario.ts'
import type { Scenario } from '../fixtures/scenario.ts'
import { connect } from '../helpers/http-connection.ts'
import { descendants, noneLeft, startProcess, until } from '../helpers/processes.ts'
import type { Started, StartOptions } from '../helpers/processes.ts'

interface Talkative extends Started { readonly path: string }

/** Where it serves is known without its output. */
async function startTalkative (t: TestContext, options: StartOptions = {}): Promise<Talkative> {
  const folder = mkdtempSync(path.join(tmpdir(), 'talkative-'))
  const socket = path.join(folder, 'socket')
  const scenario: Scenario = { options: { path: socket, workers: 2, idleGrace: 100, reload: { stableFor: 50 } } }
  const started = startProcess(t, 'talkative.ts', { ...options, env: { [SCENARIO_VARIABLE]: JSON.stringify(scenario) } })
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await until(() => connect({ path: socket }).then(client => client.get('/')).then(() => true, () => false), () => 'an answer')
  return { ...started, path: socket }
}

/** Asks both workers, each more than once, and tells who answered. */
async function askBoth (cluster: Talkative, generation: number): Promise<Set<string>> {
  const times = new Map<string, number>()
  const ask = async (): Promise<void> => {
    const client = await connect({ path: cluster.path })
    const { status, headers } = await client.get('/')
    client.close()
    assert.equal(status, 200)
    const pid = `${headers['x-worker-id']} ${headers['x-worker-pid']}`
    if (headers['x-worker-generation'] === String(generation)) times.set(pid, (times.get(pid) ?? 0) + 1)
  }
  await until(async () => {
    // Many at once, or one worker would take them all.
    await Promise.all(Array.from({ length: 30 }, ask))
    return times.size >= 2 && [...times.values()].every(count => count >= 3)
  }, () => `three answers of each worker of generation ${generation}; there were ${JSON.stringify([...times])}; it said:\n${told(cluster)}`)
  return new Set(times.keys())
}

/** Its own lines: what the app writes with each request would hide them. */
function told (cluster: Talkative): string {
  return cluster.lines().filter(({ event }) => event !== undefined).map(line => JSON.stringify(line)).join('\n')
}

async function servesOn (cluster: Talkative, before: () => void): Promise<void> {
  const workers = await askBoth(cluster, 1)
  before()
  // The same two workers: none has crashed over it.
  assert.deepEqual(await askBoth(cluster, 1), workers)
  cluster.kill('SIGHUP')
  await askBoth(cluster, 2)
  const pids = descendants(cluster.pid)
  cluster.kill('SIGTERM')
  assert.deepEqual(await cluster.exit(), { code: 0, signal: null })
  await noneLeft(pids)
}

for (const [what, close] of [['stdout', 'closeStdout'], ['stderr', 'closeStderr']] as const) {
  test(`the reader of ${what} goes away: serving goes on`, async t => {
    const cluster = await startTalkative(t)
    await servesOn(cluster, cluster[close])
  })
}

test('the reader of stdout goes away right before the exit: nothing waits for it', async t => {
  const started = startProcess(t, 'last-words.ts')
  await started.event('up')
  started.closeStdout()
  started.send({})
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
})

test('the disk is full that the log goes to: serving goes on', { skip: process.platform === 'linux' ? false : 'needs /dev/full' }, async t => {
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const cluster = await startTalkative(t, { stdout: full })
  await servesOn(cluster, () => {})
})

test('stdin is closed: serving goes on', async t => {
  const cluster = await startTalkative(t, { stdin: 'pipe' })
  await servesOn(cluster, cluster.closeStdin)
})
