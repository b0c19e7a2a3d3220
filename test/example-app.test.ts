// The example app as `npm start` runs it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { runtimeFolder } from './admin/setup.ts'
import { get } from './helpers/get.ts'
import { startProcess } from './helpers/processes.ts'

const ROOT = new URL('../', import.meta.url)
const LISTENS = { app: /^serving on (http:\S+)/, admin: /^(?:admin server|dashboard)\D* (http:\S+)/ }
// They take their time, which is what they show.
const SLOW = ['/slow', '/stream']

test('the example prints where it serves, and every URL that its README asks for answers', async t => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { scripts: { start: string } }
  const [, ...execArgv] = scripts.start.split(' ')
  const entry = fileURLToPath(new URL(execArgv.pop() ?? '', ROOT))
  const example = startProcess(t, entry, { execArgv, cwd: fileURLToPath(ROOT), env: { ...runtimeFolder(t).env, PORT: '0', ADMIN_PORT: '0', WEB_CONCURRENCY: '1' } })
  const listening = async (pattern: RegExp): Promise<string> => {
    const { text: said } = await example.line(({ text }) => pattern.test(String(text)))
    return pattern.exec(String(said))?.[1] ?? ''
  }
  const bases: Readonly<Record<string, string>> = { 3000: await listening(LISTENS.app), 3001: await listening(LISTENS.admin) }

  const readme = readFileSync(new URL('example-app/README.md', ROOT), 'utf8')
  const urls = [...readme.matchAll(/http:\/\/127\.0\.0\.1:(300[01])(\/[^\s`]*)/g)].map(([, port = '', url = '']) => new URL(url, bases[port]))
  const asked = urls.filter(({ pathname }) => !SLOW.includes(pathname))
  assert.ok(asked.length >= 7)
  for (const { hostname: host, port, pathname, search } of asked) assert.equal((await get({ host, port, path: pathname + search })).status, 200, pathname)

  example.kill('SIGTERM')
  assert.deepEqual(await example.exit(), { code: 0, signal: null })
})
