// Starts a candidate and the load on it, as processes of their own.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { AppOptions } from './app.ts'
import type { Load } from './load.ts'
import type { LoadReport } from './tally.ts'

/** Requests that came to a worker, and those of them that it served. */
export interface WorkerShare { readonly came: number, readonly served: number }

export interface Server {
  readonly port: number
  /** Of clusterize alone. */
  readonly shares: () => Promise<readonly WorkerShare[]>
  readonly kill: () => Promise<void>
}

export async function startServer (options: AppOptions): Promise<Server> {
  const server = start('./server.ts', options)
  const ended = once(server, 'exit')
  return {
    port: (await told<{ port: number }>(server, 'port')).port,
    async shares () {
      server.send('shares?')
      return (await told<{ shares: readonly WorkerShare[] }>(server, 'shares')).shares
    },
    async kill () {
      // Its workers too: they are of its process group.
      process.kill(-(server.pid ?? NaN), 'SIGKILL')
      await ended
    }
  }
}

export async function offerTo (port: number, load: Omit<Load, 'port'>): Promise<LoadReport> {
  const generator = start('./load.ts', { port, ...load } satisfies Load)
  let output = ''
  generator.stdout?.on('data', (chunk: Buffer) => { output += chunk.toString() })
  await once(generator, 'close')
  return JSON.parse(output) as LoadReport
}

export function start (file: string, argument: object): ChildProcess {
  return fork(new URL(file, import.meta.url), [JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], detached: true })
}

async function told<T> (server: ChildProcess, type: string): Promise<T> {
  for (;;) {
    const [message] = await once(server, 'message') as [{ type?: string } & T]
    if (message.type === type) return message
  }
}
