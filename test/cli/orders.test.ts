// The commands on running clusters, with their exit codes, as a person and as a script use them.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { ClusterStatus } from '../../src/admin/status.ts'
import { startProcess } from '../helpers/processes.ts'
import { appThatSays, ask, project } from './setup.ts'
import type { Ended, Project } from './setup.ts'

const FAST = ['--reload-stable-for', '50', '--idle-grace', '50']

async function statusOf (run: Project['run'], ...flags: string[]): Promise<ClusterStatus> {
  const { stdout, stderr } = await run(['status', '--json', ...flags])
  assert.equal(stdout.split('\n').length, 2, `one line, not ${stdout}${stderr}`)
  return JSON.parse(stdout) as ClusterStatus
}

function answered ({ code, stdout, stderr }: Ended, pattern: RegExp): void {
  assert.equal(code, 0, stderr)
  assert.match(stdout, pattern)
}

/** Its exit code, behind whatever it writes to stderr, when nobody reads its stdout. */
function unread (command: readonly string[], env: Project['env']): Promise<string> {
  const words = command.map(word => `'${word}'`).join(' ')
  return new Promise(resolve => {
    execFile('sh', ['-c', `{ ${words}; echo $? >&2; } | true`], { env: { ...process.env, ...env } }, (_error, _stdout, stderr) => resolve(stderr))
  })
}

test('steers the one cluster that runs', async t => {
  const { run, start, write, commandOf, env } = project(t, { 'app.mjs': appThatSays('one') })
  const none = await run(['status'])
  assert.deepEqual([none.code, none.stdout], [3, ''])
  assert.match(none.stderr, /No cluster runs\n→ clusterize start/)

  const started = start(['--workers', '2', '--name', 'shop', ...FAST, 'app.mjs'])
  await ask(started)
  const [text, status] = await Promise.all([run(['status']), statusOf(run)])
  answered(text, /^shop: ready, 2 of 2 workers ready, generation 1/)
  assert.match(text.stdout, /\n *ID +STATE +PID[^\n]*\n *1 +ready +\d+ +1 /)
  assert.deepEqual([status.name, status.pid, status.slots.length], ['shop', started.pid, 2])

  if (process.platform !== 'win32') assert.equal(await unread(commandOf(['status']), env), '0\n', 'a reader that has seen enough')

  answered(await run(['scale', '+1']), /✔ 3 workers/)
  const recycled = await run(['recycle', '3', '--json'])
  assert.equal((JSON.parse(recycled.stdout) as { id: number }).id, 3)
  assert.equal((await run(['recycle', '9'])).code, 1)
  answered(await run(['scale', '1', '--name', 'shop']), /✔ 1 worker\n/)
  answered(await run(['logs-level', 'debug']), /✔ level debug/)

  write('app.mjs', appThatSays('two'))
  answered(await run(['reload']), /✔ generation 2 serves, reloaded in /)
  assert.match((await ask(started)).body, /two/)
  write('app.mjs', 'throw new TypeError("broken on purpose")')
  const failed = await run(['reload'])
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /✖ The new code did not come up[\s\S]*TypeError: broken on purpose\n +at .*app\.mjs:1/)
  assert.match((await ask(started)).body, /two/)

  answered(await run(['stop']), /✔ shop stopped/)
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
  assert.equal((await run(['stop'])).code, 3)
})

test('of several clusters one must be chosen, by name or by socket', async t => {
  const { run, start, env } = project(t, { 'app.mjs': appThatSays('hello'), 'holds.mjs': appThatSays('hello').replace('  return app', "  app.addHook('onClose', () => new Promise(() => {}))\n  return app") })
  const clusters = [
    start(['--workers', '1', '--name', 'one', '--drain-timeout', '200', ...FAST, 'holds.mjs']),
    start(['--workers', '1', '--name', 'two', '--min-ready', '2', ...FAST, 'app.mjs'])
  ]
  await Promise.all(clusters.map(started => ask(started)))

  const [several, chosen, bySocket, other] = await Promise.all([
    run(['status']),
    run(['status', '--name', 'one']),
    run(['status', '--socket', `${env['XDG_RUNTIME_DIR']}/fastify-clusterize/one.sock`]),
    run(['status', '--name', 'thee'])
  ])
  const unready = await run(['status', '--name', 'two'])

  assert.deepEqual([several, chosen, bySocket, other, unready].map(({ code }) => code), [4, 0, 0, 3, 5])
  assert.match(several.stderr, /2 clusters run: one, two\n→ say which: --name one/)
  assert.match(other.stderr, /No cluster "thee" runs\n→ these do: one, two/)
  assert.match(unready.stdout, /^two: running, not ready \(too-few-workers\)/)

  // One that was killed leaves its socket behind, which counts no more.
  clusters[1]?.kill('SIGKILL')
  await clusters[1]?.exit()
  assert.equal((await run(['status'])).code, 0)

  const stopped = await run(['stop'])
  assert.equal(stopped.code, 1, stopped.stdout)
  assert.match(stopped.stdout, /✖ one stopped, and 1 worker had to be killed/)
  assert.deepEqual(await clusters[0]?.exit(), { code: 1, signal: null })
})

const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') === true

test('top shows a cluster live on a terminal and gives the terminal back', { skip: !hasScript && 'needs script of util-linux' }, async t => {
  const { run, start, commandOf, env, folder } = project(t, { 'app.mjs': appThatSays('hello') })
  const started = start(['--workers', '1', '--name', 'shop', ...FAST, 'app.mjs'])
  await ask(started)
  const shell = `stty cols 90 rows 20; ${commandOf(['top']).map(word => `'${word}'`).join(' ')}; printf '\\nended with %s\\n' $?; stty -a | grep -o -- '[-]*icanon'`
  const terminal = startProcess(t, process.execPath, { stdin: 'pipe', cwd: folder, env, wrap: () => ['script', '-qefc', shell, '/dev/null'] })

  await terminal.line(({ text }) => /shop: ready, 1 of 1 worker ready/.test(String(text)))
  await run(['scale', '2'])
  await terminal.line(({ text }) => /2 of 2 workers ready/.test(String(text)))
  await terminal.line(({ text }) => /worker 2 \(process \d+\) ready/.test(String(text)))
  terminal.type('q')

  await terminal.line(({ text }) => /ended with 0/.test(String(text)))
  await terminal.line(({ text }) => String(text).startsWith('icanon'))
  const seen = terminal.lines().map(({ text }) => String(text)).join('\n')
  assert.ok(seen.indexOf('\u001B[?1049h') < seen.lastIndexOf('\u001B[?1049l'), 'the alternate screen is entered and left')
  await terminal.exit()
  started.kill('SIGTERM')
  assert.deepEqual(await started.exit(), { code: 0, signal: null })
})
