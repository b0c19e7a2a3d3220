// `clusterize start --watch`: what changes on disk serves, unless it does not boot.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { until } from '../helpers/processes.ts'
import { appThatSays, ask, project } from './setup.ts'

const ENTRY = "export { buildApp } from './lib/app.mjs'\n"

test('reloads what changed, and serves the old code while the new one does not boot', async t => {
  const { start, write, folder } = project(t, { 'server.mjs': ENTRY, 'lib/app.mjs': appThatSays('one') })
  const started = start(['--watch', 'server.mjs'])
  const { body: first, headers } = await ask(started)

  write('lib/app.mjs', `${appThatSays('two')} const =`)
  const failed = await started.event('reload-failed')
  const { body: meanwhile } = await ask(started)
  write('lib/app.mjs', appThatSays('three'))
  await started.event('reload-done', ({ generation }) => Number(generation) > Number(failed['generation']))
  const { body: last } = await ask(started)

  const texts = [first, meanwhile, last].map(body => (JSON.parse(body) as { said: string }).said)
  assert.deepEqual(texts, ['one', 'one', 'three'])
  assert.equal(headers['x-worker-id'], '1')
  assert.match(JSON.stringify(failed['err']), /app\.mjs:\d+/)
  assert.match(String(failed['hint']), /syntax error/)

  // What is no code, and what is nobody's own code, is not looked at; a new folder is.
  const reloads = (): number => started.lines().filter(({ event }) => event === 'reload-started').length
  const before = reloads()
  write('notes.txt', 'nothing')
  write('.hidden.mjs', 'nothing')
  write('lib/more/added.mjs', 'export {}')
  await until(() => reloads() > before, () => 'a reload after a new folder')
  rmSync(path.join(folder, 'lib/more'), { recursive: true })
  started.kill('SIGTERM')
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
})

test('code that does not boot at first is tried again when it changes', async t => {
  const { start, write } = project(t, { 'server.mjs': ENTRY, 'lib/app.mjs': 'export const buildApp = 1\nthrow new Error("not yet")' })
  const started = start(['--watch', 'server.mjs'])
  await until(() => /✖ The cluster did not come up: not yet[\s\S]*app\.mjs:2/.test(started.stderr()), () => 'the error')

  write('lib/app.mjs', appThatSays('at last'))
  const { body } = await ask(started)

  assert.match(body, /at last/)
  started.kill('SIGTERM')
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
})
