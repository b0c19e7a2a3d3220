// What a command line and an environment mean, and how what is wrong in them is told.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { COMMANDS } from '../../src/cli/commands.ts'
import { CommandError } from '../../src/cli/exit-codes.ts'
import { helpFor, overview } from '../../src/cli/help.ts'
import { parseCommandLine } from '../../src/cli/parse-command-line.ts'
import { OWN_SETTINGS, SETTINGS } from '../../src/cli/settings.ts'
import { readStartOrder } from '../../src/cli/start-options.ts'
import type { StartOrder } from '../../src/cli/start-options.ts'
import { resolveOptions } from '../../src/options/resolve.ts'

const FILE = fileURLToPath(import.meta.url)

function read (args: readonly string[], environment: Readonly<Record<string, string>> = {}): StartOrder {
  return readStartOrder(parseCommandLine([...args, FILE], [...SETTINGS, ...OWN_SETTINGS]), environment)
}

function options (args: readonly string[], environment?: Readonly<Record<string, string>>): StartOrder['options'] {
  const { name, admin, ...rest } = read(args, environment).options
  return rest
}

test('flags win over variables, CLUSTERIZE_* over what a platform sets, and a variable that is empty is not set', () => {
  assert.deepEqual(options([]), { port: 3000 })
  assert.deepEqual(options([], { PORT: '80', HOST: '0.0.0.0' }), { port: 80, host: '0.0.0.0' })
  assert.deepEqual(options([], { PORT: '80', CLUSTERIZE_PORT: '81' }), { port: 81 })
  assert.deepEqual(options(['-p', '82'], { PORT: '80', CLUSTERIZE_PORT: '81' }), { port: 82 })
  assert.deepEqual(options([], { PORT: '' }), { port: 3000 })
})

test('a socket and a port do not contradict each other when one is a flag and the other a variable', () => {
  assert.deepEqual(options(['--path', '/run/app.sock'], { PORT: '80', HOST: '::' }), { path: '/run/app.sock' })
  assert.deepEqual(options(['--port', '80'], { CLUSTERIZE_PATH: '/run/app.sock' }), { port: 80 })
  assert.deepEqual(options([], { CLUSTERIZE_PATH: '/run/app.sock', PORT: '80' }), { path: '/run/app.sock' })
  assert.throws(() => resolveOptions(options(['--path', '/run/app.sock', '--port', '80'])), { code: 'FST_CLUSTERIZE_CONFLICTING_OPTIONS' })
})

test('names of options with a dot are their own objects, and every setting is an option of clusterize()', () => {
  assert.deepEqual(options(['--queue-limit=5', '--queue-timeout', '10', '--no-rebalance', '--hang-timeout=false', '--max-rss', '1e9']),
    { port: 3000, queue: { limit: 5, timeout: 10 }, rebalance: false, hangTimeout: false, recycle: { maxRss: 1e9 } })
})

/** What a setting takes where 5000 is no value for it, and what it needs beside it. */
const TEXTS: Readonly<Record<string, string>> = {
  host: '::', path: '/a', name: 'a', scheduling: 'connection', balancer: 'random', 'admin-host': '::1', 'admin-path': '/b',
  workers: '2', 'min-workers': '1', 'max-workers': '3', spares: '1', 'idle-grace': '5', 'min-ready': '1', 'reload-concurrency': '1'
}
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  balancer: ['--scheduling=connection'],
  'max-connections': ['--scheduling=connection'],
  concurrency: ['--scheduling=request'],
  'queue-limit': ['--scheduling=request'],
  'queue-max-delay': ['--scheduling=request'],
  'queue-timeout': ['--scheduling=request'],
  'admin-host': ['--admin-port=0']
}

test('every setting is an option of clusterize()', () => {
  for (const { flag, kind } of SETTINGS) {
    const given = kind === 'boolean' ? `--${flag}` : `--${flag}=${TEXTS[flag] ?? '5000'}`
    assert.doesNotThrow(() => resolveOptions(read([...NEEDS[flag] ?? [], given]).options), flag)
  }
})

test('the admin server is on, under the name of the app, unless it is turned off or there is no primary', () => {
  assert.deepEqual([read([]).options.admin, read([]).options.name], [true, 'fastify-clusterize'])
  assert.deepEqual(read(['--admin-port', '9000', '--min-ready', '2']).options.admin, { port: 9000, minReady: 2 })
  assert.equal(read(['--no-admin'], { CLUSTERIZE_ADMIN_PORT: '9000' }).options.admin, false)
  assert.equal(read(['--workers', '0']).options.admin, undefined)
})

test('the README lists every command, and every flag with its variables', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  for (const { name } of COMMANDS) assert.ok(readme.includes(`| \`clusterize ${name}`), name)
  for (const { flag, variables } of [...SETTINGS, ...OWN_SETTINGS]) {
    const row = readme.split('\n').find(line => line.startsWith(`| \`--${flag}\``)) ?? assert.fail(flag)
    for (const variable of variables) assert.ok(row.includes(`\`${variable}\``), variable)
  }
})

test('the number of workers is one, "auto", or bounds', () => {
  assert.deepEqual(options(['-w', 'auto']), { port: 3000, workers: 'auto' })
  assert.deepEqual(options(['--min-workers', '2', '--max-workers', 'auto'], { CLUSTERIZE_WORKERS: '3' }), { port: 3000, workers: { min: 2, max: 'auto' } })
  assert.deepEqual(options(['-w', '3'], { CLUSTERIZE_MAX_WORKERS: '9' }), { port: 3000, workers: 3 })
})

test('watching takes one worker that need not prove itself for long, unless told', () => {
  assert.deepEqual(options(['--watch']), { port: 3000, workers: 1, reload: { stableFor: 100 } })
  assert.deepEqual(options(['--watch', '-w', '3']), { port: 3000, workers: 3, reload: { stableFor: 100 } })
  assert.equal(read([], { CLUSTERIZE_WATCH: 'yes' }).isWatching, true)
})

test('what stands behind "--" is the plugin\'s', () => {
  const { pluginOptions } = readStartOrder(parseCommandLine([FILE, '--', '--prefix=/api', '--loud'], SETTINGS), {})
  assert.deepEqual({ ...pluginOptions }, { prefix: '/api', loud: true })
})

const WRONG: ReadonlyArray<readonly [args: readonly string[], message: RegExp, environment?: Readonly<Record<string, string>>]> = [
  [['--prot', '80'], /^Unknown flag --prot, did you mean --port\?$/],
  [['--no-port'], /^Unknown flag --no-port/],
  [['-x'], /^Unknown flag -x$/],
  [['--port='], /^--port needs a value: --port <n>$/],
  [['--port', '--host', '::'], /^--port needs a value/],
  [['--port', 'http'], /^--port must be a number, received "http"$/],
  [['--watch=yes'], /^--watch takes no value, received "yes"$/],
  [['-w', 'many'], /^--workers must be a number or auto, received "many"$/],
  [['-w', '3', '--max-workers', '9'], /give one or the other$/],
  [['--hang-timeout', 'no way'], /^--hang-timeout must be a number or false/],
  [['--as', 'thing'], /^--as must be one of factory, plugin, received "thing"$/],
  [['--log-level', 'loud'], /^--log-level must be one of trace,/],
  [['--watch', '--workers', '0'], /^--watch needs a worker/],
  [['other.js'], /^One file at a time/],
  [[], /^CLUSTERIZE_PORT must be a number, received "http"$/, { CLUSTERIZE_PORT: 'http' }],
  [[], /^CLUSTERIZE_REBALANCE must be true or false, received "maybe"$/, { CLUSTERIZE_REBALANCE: 'maybe' }]
]

for (const [args, message, environment = {}] of WRONG) {
  test(`${[...Object.entries(environment).map(pair => pair.join('=')), 'clusterize start', ...args].join(' ')} is wrong usage`, () => {
    assert.throws(() => read(args, environment), (error: unknown) => error instanceof CommandError && error.exitCode === 2 && message.test(error.message))
  })
}

test('a file that is none, or not there, is wrong usage', () => {
  const start = (...args: string[]): unknown => readStartOrder(parseCommandLine(args, SETTINGS), {})
  assert.throws(() => start(), /^Error: Which file\?/)
  assert.throws(() => start('gone.js'), /There is no file .*gone\.js/)
  assert.throws(() => start('.'), /is not a file/)
})

test('help names each command, each flag with its variables, and examples', () => {
  const all = overview(COMMANDS)
  for (const command of COMMANDS) {
    const help = helpFor(command)
    assert.ok(all.split('\n').some(line => line.startsWith(`  ${command.name} `) && line.endsWith(command.summary)))
    for (const { flag } of command.flags) assert.match(help, new RegExp(`--${flag}\\b`))
    for (const example of command.examples) assert.ok(help.includes(`\n  ${example}\n`))
  }
  const [start] = COMMANDS
  assert.ok(start !== undefined)
  assert.match(helpFor(start), /-p, --port <n> .*\[CLUSTERIZE_PORT, PORT\]/)
})
