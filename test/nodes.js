// Runs the suite on every supported Node: `npm run test:nodes -- [--only 22,24] [part of a file's path …]`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const MAJORS = [20, 22, 24, 26]
const RUNNING = Number(process.versions.node.split('.')[0])

const { values, positionals: filters } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
const results = chosen(values.only).map(runOn)
print(results)
process.exitCode = results.every(({ outcomes }) => outcomes.every(({ ok }) => ok)) ? 0 : 1

function chosen (only) {
  const majors = only === undefined ? MAJORS : only.split(',').map(Number)
  const unknown = majors.filter((major) => !MAJORS.includes(major))
  if (unknown.length > 0) throw new Error(`--only takes a list out of ${MAJORS.join(',')}, received '${only}'`)
  return majors
}

function runOn (major) {
  const started = Date.now()
  const node = major === RUNNING ? process.execPath : installed(major)
  const env = environmentOf(node)
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  console.log(`\n# Node ${version}\n`)
  const steps = [['suite', ['test/run.js', ...filters]]]
  // A filter asks for a part of the suite, which the packed package is not.
  if (filters.length === 0) steps.unshift(['package', ['test/package/run.js']])
  const outcomes = steps.map(([name, args]) => ({
    name,
    ok: spawnSync(node, args, { cwd: ROOT, env, stdio: 'inherit' }).status === 0
  }))
  return { version, outcomes, seconds: Math.round((Date.now() - started) / 1000) }
}

// Node's binaries are published on npm, one package a platform, so no version manager is needed.
function installed (major) {
  const name = `node-${process.platform}-${process.arch}`
  const folder = path.join(ROOT, '.nodes', String(major))
  const node = path.join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(node)) return node
  mkdirSync(folder, { recursive: true })
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${name}@${major}`]
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'inherit' })
  if (status !== 0 || !existsSync(node)) throw new Error(`could not install ${name}@${major} into ${folder}`)
  return node
}

// Children that start `node` or `npm` by name must get this Node, also below an `npm run` of another one.
function environmentOf (node) {
  return {
    ...process.env,
    PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
    NODE: node,
    npm_node_execpath: node
  }
}

function print (rows) {
  console.log('\n| Node | package | suite | time |\n|---|---|---|---|')
  for (const { version, outcomes, seconds } of rows) {
    const cell = (name) => {
      const outcome = outcomes.find((each) => each.name === name)
      return outcome === undefined ? 'not run' : outcome.ok ? 'pass' : 'FAIL'
    }
    console.log(`| ${version} | ${cell('package')} | ${cell('suite')} | ${seconds} s |`)
  }
}
