// Runs the test suite: `node test/run.js [part of a file's path …] [options of node --test …]`.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, kill, leftBehind, marked, reap } from './left-behind.js'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const COMPILED = path.join(ROOT, '.compiled')
const NOT_THE_SUITE = ['test/bench/', 'test/package/', 'test/types/']
// Process tests mostly wait, but each starts several processes: more files at once only starve one another.
const CONCURRENCY = Math.min(6, availableParallelism() + 1)
const TEST_TIMEOUT_MS = 480_000
const RUN_TIMEOUT_MS = 20 * 60_000
const ORPHAN_GRACE_MS = 60_000
const ORPHAN_CHECK_MS = 2_000
const EXIT_GRACE_MS = 5_000

const args = process.argv.slice(2)
const files = select(testFiles(), args.filter((arg) => !arg.startsWith('-')))
process.exitCode = await run(files, args.filter((arg) => arg.startsWith('-')))

function testFiles () {
  return readdirSync(path.join(ROOT, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath ?? entry.path, entry.name)).split(path.sep).join('/'))
    .filter((file) => !NOT_THE_SUITE.some((folder) => file.startsWith(folder)))
    .sort()
}

function select (all, filters) {
  const unmatched = filters.filter((filter) => !all.some((file) => file.includes(filter)))
  if (unmatched.length > 0) fail(`no test file matches ${unmatched.map((filter) => `'${filter}'`).join(', ')} among\n  ${all.join('\n  ')}`)
  const selected = filters.length === 0 ? all : all.filter((file) => filters.some((filter) => file.includes(filter)))
  if (selected.length === 0) fail('no test file found in test/')
  return selected
}

async function run (selected, options) {
  const env = marked(neutral(process.env))
  const child = spawn(process.execPath, [
    '--import',
    compiled(),
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${CONCURRENCY}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...options,
    ...selected
  ], { cwd: ROOT, env, stdio: 'inherit' })

  const ended = new AbortController()
  const problems = []
  watchOrphans(env, problems, ended.signal)
  const deadline = setTimeout(() => {
    problems.push(`the run was stopped: it took longer than ${RUN_TIMEOUT_MS / 60_000} minutes`)
    child.kill('SIGKILL')
  }, RUN_TIMEOUT_MS)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))

  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (...result) => resolve(result))
  })
  clearTimeout(deadline)
  ended.abort()

  const left = await reap(env, EXIT_GRACE_MS)
  if (left.length > 0) problems.push(`processes left behind, now killed:\n${describe(left)}`)
  if (signal !== null) problems.push(`the test runner ended by ${signal}`)
  for (const problem of problems) console.error(`\ntest/run.js: ${problem}`)
  return problems.length > 0 ? 1 : code
}

// A process that outlives its test keeps the pipes of the test runner open, which then waits for it for ever.
// Workers that outlive a killed primary are orphans too, for as long as they drain: hence the grace.
function watchOrphans (env, problems, signal) {
  const since = new Map()
  const timer = setInterval(() => {
    const now = Date.now()
    const orphans = leftBehind(env, { orphans: true })
    for (const { pid } of orphans) since.set(pid, since.get(pid) ?? now)
    const old = kill(orphans.filter(({ pid }) => now - since.get(pid) > ORPHAN_GRACE_MS))
    if (old.length > 0) problems.push(`orphans that did not end in ${ORPHAN_GRACE_MS / 1000} s, now killed:\n${describe(old)}`)
  }, ORPHAN_CHECK_MS)
  signal.addEventListener('abort', () => clearInterval(timer))
}

// What a platform sets for a server must not decide what the tests see.
function neutral (env) {
  const { WEB_CONCURRENCY, NODE_CLUSTER_SCHED_POLICY, NODE_TEST_CONTEXT, ...rest } = env
  return rest
}

// All of it is compiled at once: a suite starts a thousand processes, and to compile in each costs more than the rest of its start.
function compiled () {
  rmSync(COMPILED, { recursive: true, force: true })
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.compiled.json'], { cwd: ROOT, stdio: 'inherit' })
  if (status !== 0) fail('the tests do not compile')
  completePackage()
  return pathToFileURL(path.join(ROOT, 'test/compiled.js')).href
}

// So that what was compiled is this package too, with all its files, whoever imports it by name.
function completePackage () {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  writeFileSync(path.join(COMPILED, 'package.json'), JSON.stringify({ ...manifest, main: './src/index.js', exports: './src/index.js' }))
  cpSync(path.join(ROOT, 'src'), path.join(COMPILED, 'src'), { recursive: true, filter: (file) => !file.endsWith('.ts') })
}

function fail (message) {
  console.error(`test/run.js: ${message}`)
  process.exit(1)
}
