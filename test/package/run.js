// Packs the package, installs it into an empty project, and uses it there from ESM, CommonJS and TypeScript.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './run-command.js'
import { checkMaps, checkTarball } from './check-files.js'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const ROOT = path.dirname(path.dirname(HERE))
const TSC = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
const ENTRIES = ['esm-cluster.mjs', 'cjs-inject.cjs', 'cjs-cluster.cjs', 'cli.mjs']
const RESOLUTIONS = [{ module: 'nodenext' }, { module: 'esnext', moduleResolution: 'bundler' }]

const folder = mkdtempSync(path.join(tmpdir(), 'fastify-clusterize-package-'))
try {
  await step('build', build)
  const { tarball, files } = await step('pack', pack)
  await step('the tarball holds what it should', () => checkTarball(files))
  const project = path.join(folder, 'project')
  await step('install into an empty project', () => install(tarball, project))
  await step('maps lead to the sources', () => checkMaps(path.join(project, 'node_modules', 'fastify-clusterize')))
  for (const entry of ENTRIES) await step(entry, () => run(process.execPath, [entry], { cwd: project }))
  for (const resolution of RESOLUTIONS) {
    await step(`TypeScript, ${resolution.moduleResolution ?? resolution.module}`, () => compile(project, resolution))
  }
} catch (err) {
  console.error(err)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function step (name, action) {
  const started = Date.now()
  try {
    const result = await action()
    console.log(`✔ package: ${name} (${Date.now() - started} ms)`)
    return result
  } catch (err) {
    throw new Error(`✖ package: ${name}`, { cause: err })
  }
}

async function build () {
  if (!existsSync(path.join(ROOT, 'dist', 'index.js'))) await run('npm', ['run', 'build'], { cwd: ROOT })
}

async function pack () {
  const output = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT })
  const [packed] = Object.values(JSON.parse(output))
  return { tarball: path.join(folder, packed.filename), files: packed.files.map((file) => file.path) }
}

async function install (tarball, project) {
  cpSync(path.join(HERE, 'entries'), project, { recursive: true })
  cpSync(path.join(ROOT, 'test', 'types'), path.join(project, 'types'), { recursive: true })
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'a-user', private: true, type: 'module' }))
  const peers = ['fastify', '@types/node'].map((name) => `${name}@${versionHere(name)}`)
  await run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball, ...peers], { cwd: project })
}

function versionHere (name) {
  return JSON.parse(readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version
}

async function compile (project, resolution) {
  const compilerOptions = {
    ...resolution,
    target: 'es2023',
    lib: ['es2023'],
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true
  }
  const files = readdirSync(path.join(project, 'types')).map((file) => `types/${file}`)
  writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  await run(process.execPath, [TSC, '-p', '.'], { cwd: project })
}
