// Runs the suite and reports how much of src it executes, forked workers included: `npm run coverage`.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const MIN_LINES_PERCENT = 95

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const C8 = createRequire(import.meta.url).resolve('c8/bin/c8.js')

const { status } = spawnSync(process.execPath, [
  C8,
  '--all',
  '--include=src/**',
  ...typeOnly().map((file) => `--exclude=${file}`),
  '--extension=.ts',
  '--reporter=text',
  '--reporter=lcov',
  '--check-coverage',
  `--lines=${MIN_LINES_PERCENT}`,
  process.execPath,
  'test/run.js',
  ...process.argv.slice(2)
], { cwd: ROOT, stdio: 'inherit' })
process.exitCode = status ?? 1

// A file of nothing but types is never loaded, so it would count as not covered. Its build is an empty module.
function typeOnly () {
  const dist = path.join(ROOT, 'dist')
  return readdirSync(dist, { recursive: true })
    .filter((file) => file.endsWith('.js') && /^(\/\/.*\n)*export {};/.test(readFileSync(path.join(dist, file), 'utf8')))
    .map((file) => path.posix.join('src', file.split(path.sep).join('/').replace(/\.js$/, '.ts')))
}
