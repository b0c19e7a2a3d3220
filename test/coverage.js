// Runs the suite and reports how much of src it executes, forked workers included: `npm run coverage`.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const MIN_LINES_PERCENT = 96

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const C8 = createRequire(import.meta.url).resolve('c8/bin/c8.js')
const RAW = path.join(ROOT, 'coverage', 'raw')
const SOURCE = `${pathToFileURL(ROOT).href}/src/`
const COMPILED = `${pathToFileURL(ROOT).href}/.compiled/src/`

rmSync(RAW, { recursive: true, force: true })
mkdirSync(RAW, { recursive: true })
const suite = spawnSync(process.execPath, ['test/run.js', ...process.argv.slice(2)], { cwd: ROOT, env: { ...process.env, NODE_V8_COVERAGE: RAW }, stdio: 'inherit' })
for (const file of readdirSync(RAW)) unify(path.join(RAW, file))
const report = spawnSync(process.execPath, [
  C8,
  'report',
  `--temp-directory=${RAW}`,
  '--merge-async',
  '--all',
  '--include=src/**',
  ...typeOnly().map((file) => `--exclude=${file}`),
  '--extension=.ts',
  '--reporter=text',
  '--reporter=lcov',
  '--check-coverage',
  `--lines=${MIN_LINES_PERCENT}`
], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = suite.status === 0 ? report.status ?? 1 : suite.status ?? 1

/**
 * One script goes by two addresses, that of its source and of what was compiled of it: here it gets the first. The few processes that run the
 * source through tsx are left out, since what two compilers made of a file does not add up.
 */
function unify (file) {
  let raw
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // Of a process that was killed while it wrote.
    return rmSync(file)
  }
  const maps = raw['source-map-cache'] ?? {}
  const kept = raw.result.filter(({ url }) => isOurs(url, maps[url]))
  const cache = Object.fromEntries(kept.map(({ url }) => [sourceOf(url), located(maps[url], sourceOf(url))]))
  writeFileSync(file, JSON.stringify({ result: kept.map((script) => ({ ...script, url: sourceOf(script.url) })), 'source-map-cache': cache }))
}

function isOurs (url, map) {
  if (map === undefined || map.data === null) return false
  return url.startsWith(COMPILED) || (url.startsWith(SOURCE) && map.lineLengths.length === linesCompiled(url))
}

function sourceOf (url) {
  return url.startsWith(COMPILED) ? SOURCE + url.slice(COMPILED.length).replace(/\.js$/, '.ts') : url
}

function located (map, url) {
  return { ...map, data: { ...map.data, sourceRoot: '', sources: [fileURLToPath(url)] } }
}

function linesCompiled (url) {
  return readFileSync(fileURLToPath(COMPILED + url.slice(SOURCE.length).replace(/\.ts$/, '.js')), 'utf8').split('\n').length
}

// A file of nothing but types is never loaded, so it would count as not covered. Its build is an empty module.
function typeOnly () {
  const dist = path.join(ROOT, 'dist')
  return readdirSync(dist, { recursive: true })
    .filter((file) => file.endsWith('.js') && /^(\/\/.*\n)*export {};/.test(readFileSync(path.join(dist, file), 'utf8')))
    .map((file) => path.posix.join('src', file.split(path.sep).join('/').replace(/\.js$/, '.ts')))
}
