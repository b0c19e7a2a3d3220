// The example app as `npm start` runs it: what its README tells to try.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runtimeFolder } from '../admin/setup.ts'
import { get } from '../helpers/get.ts'
import type { Got } from '../helpers/get.ts'
import { startProcess } from '../helpers/processes.ts'
import type { Started } from '../helpers/processes.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SERVING = /^serving on (http:\/\/127\.0\.0\.1:\d+) with (\d+) workers, primary is process (\d+)$/
const ADMIN = /^(?:admin server|dashboard)\D* (http:\S+)/
// They take their time, which is what they show.
const SLOW = ['/slow', '/stream']

type Ask = (url: string) => Promise<Got>

test('npm start serves on all workers, answers every URL that its README asks for, and stops with nothing cut', async t => {
  const { started, bases } = await startExample(t)
  const ask: Ask = url => getFrom(new URL(url, bases[3000]))

  await answeredByBoth(ask)
  const asked = urlsOfReadme(bases).filter(({ pathname }) => !SLOW.includes(pathname))
  assert.ok(asked.length >= 7)
  for (const url of asked) assert.equal((await getFrom(url)).status, 200, url.pathname)

  const stream = ask('/stream?count=10000')
  const slow = ask('/slow?ms=1500')
  await answeredByBoth(ask)
  started.kill('SIGTERM')
  assert.equal((await slow).status, 200)
  assert.match((await stream).body, /this worker drains, please come back\n$/)
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
  await started.allGone()
})

test('MAX_IN_FLIGHT bounds what a worker has in flight, and the answer tells why', async t => {
  const { bases } = await startExample(t, { MAX_IN_FLIGHT: '1' })
  // Each of the two workers takes one.
  const answers = await Promise.all([1, 2, 3].map(() => getFrom(new URL('/slow?ms=1000', bases[3000]))))
  const refused = answers.filter(({ status }) => status !== 200)
  assert.ok(refused.length >= 1 && refused.length < 3)
  for (const { status, headers } of refused) assert.deepEqual([status, headers['x-shed-reason']], [503, 'in-flight'])
})

type Bases = Readonly<Record<string, string>>

/** The command of `npm start`, with two workers, on free ports, with an admin socket of its own. */
async function startExample (t: TestContext, environment: Readonly<Record<string, string>> = {}): Promise<{ started: Started, bases: Bases }> {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [, ...execArgv] = scripts.start.split(' ')
  const started = startProcess(t, path.join(ROOT, execArgv.pop() ?? ''), {
    cwd: ROOT,
    execArgv,
    env: { ...runtimeFolder(t).env, PORT: '0', ADMIN_PORT: '0', WEB_CONCURRENCY: '2', ...environment }
  })
  const said = async (pattern: RegExp): Promise<readonly string[]> => {
    const { text } = await started.line(line => pattern.test(String(line['text'])), 'the line that tells where it listens')
    return pattern.exec(String(text)) ?? []
  }
  const [, app = '', count, pid] = await said(SERVING)
  const [, admin = ''] = await said(ADMIN)
  assert.deepEqual([count, pid], ['2', String(started.pid)])
  return { started, bases: { 3000: app, 3001: admin } }
}

function urlsOfReadme (bases: Bases): URL[] {
  const readme = readFileSync(path.join(ROOT, 'example-app/README.md'), 'utf8')
  return [...readme.matchAll(/http:\/\/127\.0\.0\.1:(300[01])(\/[^\s`>]*)/g)].map(([, port = '', url = '']) => new URL(url, bases[port]))
}

function getFrom ({ hostname: host, port, pathname, search }: URL): Promise<Got> {
  return get({ host, port, path: pathname + search })
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
