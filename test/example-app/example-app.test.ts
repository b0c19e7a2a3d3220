// The example app as `npm start` runs it: what its README tells to try.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { get } from '../helpers/get.ts'
import type { Got } from '../helpers/get.ts'
import { startProcess } from '../helpers/processes.ts'
import type { Started } from '../helpers/processes.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SERVING = /^serving on http:\/\/127\.0\.0\.1:(\d+) with (\d+) workers, primary is process (\d+)$/

type Ask = (url: string) => Promise<Got>

test('the example app serves on all workers, answers what its README tells to try, and stops with nothing cut', async t => {
  const { started, ask } = await startExample(t)

  const workers = new Set<unknown>()
  while (workers.size < 2) workers.add((await ask('/')).headers['x-worker-id'])
  assert.deepEqual(workers, new Set(['1', '2']))
  for (const url of ['/cpu?rounds=50', '/slow?ms=1', '/stream?count=1', '/jobs', '/orders', '/livez', '/readyz']) {
    const { status, headers } = await ask(url)
    assert.deepEqual([url, status, typeof headers['x-worker-id'], typeof headers['x-worker-pid']], [url, 200, 'string', 'string'])
  }

  const stream = ask('/stream?count=10000')
  const slow = ask('/slow?ms=1500')
  await answeredByBoth(ask)
  started.kill('SIGTERM')
  assert.equal((await slow).status, 200)
  assert.match((await stream).body, /this worker drains, please come back\n$/)
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
  await started.allGone()
})

/** Two workers, on free ports, with an admin socket of its own. */
async function startExample (t: TestContext): Promise<{ started: Started, ask: Ask }> {
  const runtime = mkdtempSync(path.join(tmpdir(), 'example-app-'))
  t.after(() => rmSync(runtime, { recursive: true, force: true }))
  const started = startProcess(t, path.join(ROOT, 'example-app/server.ts'), {
    cwd: ROOT,
    execArgv: ['--import', 'tsx'],
    env: { PORT: '0', ADMIN_PORT: '0', WEB_CONCURRENCY: '2', XDG_RUNTIME_DIR: runtime }
  })
  const { text } = await started.line(({ text }) => SERVING.test(String(text)), 'the line that tells where it serves')
  const [, port, count, pid] = (SERVING.exec(String(text)) ?? []).map(Number)
  assert.deepEqual([count, pid], [2, started.pid])
  return { started, ask: url => get({ host: '127.0.0.1', port, path: url }) }
}

/** Requests on other connections that were sent before are in the workers' hands by the time these are answered. */
async function answeredByBoth (ask: Ask): Promise<void> {
  const answered = new Set<unknown>()
  while (answered.size < 2) {
    const { status, headers } = await ask('/')
    assert.equal(status, 200)
    answered.add(headers['x-worker-id'])
  }
}
