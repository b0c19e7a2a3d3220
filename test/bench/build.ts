// Compiles src into a folder of its own, with the servers beside it: measured is what users get, by plain node, undisturbed by other builds.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const HERE = path.dirname(fileURLToPath(import.meta.url))
const ROOT = path.join(HERE, '../..')

export interface Build {
  /** The entry of every candidate. */
  readonly server: string
  /** URL of the compiled library. */
  readonly library: string
}

/** `BENCH_BUILD` names a folder that was built before, to compare two versions. */
export function buildLibrary (): Build {
  const folder = process.env['BENCH_BUILD'] ?? compile()
  return { server: path.join(folder, 'server.js'), library: pathToFileURL(path.join(folder, 'dist/index.js')).href }
}

function compile (): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'fastify-clusterize-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  compileInto(folder)
  return folder
}

export function compileInto (folder: string): void {
  execFileSync(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', path.join(ROOT, 'tsconfig.build.json'), '--outDir', path.join(folder, 'dist')], { stdio: ['ignore', 'inherit', 'inherit'] })
  for (const file of ['server.js', 'app.js', 'metrics-server.js']) copyFileSync(path.join(HERE, file), path.join(folder, file))
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'))
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n')
}
