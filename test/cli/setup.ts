// A user's project in a folder of its own, and the command line run in it.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../helpers/processes.ts'
import { runnable } from '../helpers/runnable.ts'
import type { Started, StartOptions } from '../helpers/processes.ts'
import { get } from '../helpers/get.ts'
import type { Got } from '../helpers/get.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const LIBRARIES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const TIMEOUT = 30_000

export interface Ended { readonly code: number, readonly stdout: string, readonly stderr: string }

export interface Project {
  readonly folder: string
  readonly write: (file: string, text: string) => void
  /** Runs a command to its end. */
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Ended>
  /** `clusterize start` on any free port; it goes on. */
  readonly start: (args: readonly string[], options?: StartOptions) => Started
  /** What a shell would be given to run it. */
  readonly commandOf: (args: readonly string[]) => readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export function project (t: TestContext, files: Readonly<Record<string, string>> = {}): Project {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'project-')))
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  symlinkSync(LIBRARIES, path.join(folder, 'node_modules'), 'junction')
  mkdirSync(path.join(folder, 'run'))
  for (const [file, text] of Object.entries(files)) write(file, text)
  const main = runnable(MAIN)
  // Both folders that may hold admin sockets: other clusters of this machine are none of a test's business.
  const env = { XDG_RUNTIME_DIR: path.join(folder, 'run'), TMPDIR: path.join(folder, 'run') }
  const commandOf = (args: readonly string[]): readonly string[] => [process.execPath, ...main.execArgv, main.file, ...args]
  // Registered first, so that it comes after the processes have been ended.
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return {
    folder,
    write,
    env,
    commandOf,
    run: (args, more = {}) => new Promise(resolve => {
      const [command = '', ...rest] = commandOf(args)
      execFile(command, rest, { cwd: folder, timeout: TIMEOUT, env: { ...process.env, ...env, ...more } }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })
      })
    }),
    start: (args, options = {}) => startProcess(t, MAIN, { ...options, args: ['start', '--port', '0', '--host', '127.0.0.1', ...args], cwd: folder, env: { ...env, ...options.env } })
  }
}

/** One request to a cluster that was started, once it is ready. */
export async function ask (started: Started, url = '/'): Promise<Got> {
  const { addresses } = await started.event('cluster-ready') as { addresses?: readonly string[] }
  const [host, port] = (addresses?.[0] ?? '').split(':')
  return get({ host, port, path: url })
}

/** A module whose app tells this text. */
export function appThatSays (text: string): string {
  return `import Fastify from 'fastify'
export function buildApp (worker) {
  const app = Fastify()
  app.get('/', async () => ({ said: '${text}', worker: worker.id }))
  return app
}
`
}
