// How a file of this repo is run: compiled where the suite has compiled it, since a process whose modules go through hooks takes half as long again to start.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The hooks by which this process itself runs what the suite compiled; undefined where it runs the sources. From Node 24 on the test runner joins them with the option. */
const hooks = process.execArgv.find(arg => arg.endsWith('test/compiled.js'))?.replace(/^--import=/, '')

/** What this Node needs to run TypeScript: nothing from 22.18 on; before, what the suite compiled, or tsx for a test that is run by itself. */
const typescriptArgs: readonly string[] = hooks === undefined && 'typescript' in process.features && process.features.typescript !== false
  ? []
  : ['--import', hooks ?? import.meta.resolve('tsx')]

/** The arguments of Node that run a file: the file itself or what was made of it, and what goes before it. */
export function runnable (file: string): { readonly execArgv: readonly string[], readonly file: string } {
  const compiled = path.join(ROOT, '.compiled', path.relative(ROOT, file).replace(/\.ts$/, '.js'))
  if (!file.endsWith('.ts')) return { execArgv: [], file }
  return hooks !== undefined && existsSync(compiled) ? { execArgv: [], file: compiled } : { execArgv: typescriptArgs, file }
}
