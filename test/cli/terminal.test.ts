// `clusterize start` on a terminal: progress, what fails with its stack and what to do next, and other lines of the log made readable.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { get } from '../helpers/get.ts'
import { startProcess } from '../helpers/processes.ts'
import { project } from './setup.ts'

const APP = `import Fastify from 'fastify'
export function buildApp () {
  const app = Fastify()
  app.get('/crash', async () => {
    setImmediate(() => { throw new TypeError('boom') }); return 'soon'
  })
  return app
}
`
const CTRL_C = '\u0003'
const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true

test('tells a person how boot and reload go, and of failures the stack and what to do next', { skip: !hasScript && 'needs script of util-linux' }, async t => {
  const { commandOf, env, folder, write } = project(t, { 'app.mjs': APP })
  const shell = `stty cols 100 rows 40; exec ${commandOf(['start', '--watch', '--port', '0', '--host', '127.0.0.1', 'app.mjs']).map(word => `'${word}'`).join(' ')}`
  const terminal = startProcess(t, process.execPath, { stdin: 'pipe', cwd: folder, env: { ...env, NO_COLOR: '1' }, wrap: () => ['env', '-u', 'FORCE_COLOR', 'script', '-qefc', shell, '/dev/null'] })
  const says = async (pattern: RegExp): Promise<string> => String((await terminal.line(({ text }) => pattern.test(String(text)), String(pattern)))['text'])

  const ready = await says(/✔ 1 worker ready in [\d.]+ s at 127\.0\.0\.1:\d+, the primary is process \d+/)
  assert.match(ready, /booting 1 worker ░+ 0\/1/, 'progress came first, on the same line')
  const [, port] = /:(\d+), the primary/.exec(ready) ?? []

  await get({ host: '127.0.0.1', port, path: '/crash' }).catch(() => {})
  await says(/ERROR \(fastify-clusterize\/\d+\): uncaught error in worker.*"hint":"catch that error where its stack points/)
  await says(/TypeError: boom/)
  await says(/ at .*app\.mjs:5/)
  await says(/INFO .* worker ready /)

  write('app.mjs', `${APP}const a = ;\n`)
  await says(/✖ The new code did not come up, the old workers serve on: /)
  await says(/app\.mjs:9/)
  await says(/^→ mend the syntax error/)
  write('app.mjs', APP)
  await says(/✔ generation \d+ serves, reloaded in /)

  terminal.type(CTRL_C)
  assert.deepEqual(await terminal.exit(), { code: 0, signal: null })
  assert.ok(!terminal.lines().some(line => 'level' in line), 'no JSON where pino-pretty is installed')
})
