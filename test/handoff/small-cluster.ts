// A primary without a supervisor: it forks workers, relays connections between them, and does what a test tells it.
import { fork } from 'node:child_process'
import type { ChildProcess, SendHandle } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createChannel } from '../../src/channel.ts'
import type { Channel, Port } from '../../src/channel.ts'
import { emitLostDisconnect } from '../../src/handoff/lost-disconnect.ts'
import type { HandoffToPrimary, HandoffToWorker } from '../../src/handoff/messages.ts'
import { createRelay } from '../../src/handoff/relay.ts'
import type { Member, Relay } from '../../src/handoff/relay.ts'
import { addressOfHandle, bindHandle, isConnectionHandle, peerOf } from '../../src/node-internals.ts'
import { runnable } from '../helpers/runnable.ts'

export interface ServeCommand {
  type: 'fixture-serve'
  tag: string
  log: string
  fastify?: boolean
  refuses?: boolean
  diesOnTake?: boolean
  /** Properties of the HTTP server, as `keepAliveTimeout`. */
  server?: Record<string, number>
}
export type ToFixture = HandoffToWorker | ServeCommand |
  { type: 'fixture-give', id: number, max: number } | { type: 'fixture-churn', every: number } |
  { type: 'fixture-stats', id: number } | { type: 'fixture-close', id: number } | { type: 'fixture-freeze' }
export type FromFixture = HandoffToPrimary | { type: 'fixture-ready' } | { type: 'fixture-reply', id: number, body: unknown }

export interface WorkerStats { open: number, idle: number, movedIn: number, movedOut: number, heap: number }

export interface FixtureWorker {
  readonly tag: string
  readonly child: ChildProcess
  readonly channel: Channel<ToFixture>
  give: (max?: number) => Promise<{ moved: number, kept: number, refused: boolean }>
  stats: () => Promise<WorkerStats>
  /** Resolves to the ms its server took to close. */
  close: () => Promise<number>
  /** Blocks its event loop for good; resolves as it does. */
  freeze: () => Promise<void>
  kill: () => Promise<void>
}

export interface SmallClusterOptions {
  workers: number
  serve?: Partial<ServeCommand>
  /** Listen on this Unix socket in place of a TCP port. */
  socketPath?: string
  /** How long a connection waits for a worker when there is none, in ms. */
  waitTimeout?: number
  execArgv?: string[]
}

export interface SmallCluster {
  readonly port: number
  readonly log: string
  readonly relay: Relay
  /** The primary's, which is this process, then the workers'. */
  pids: () => number[]
  workers: () => FixtureWorker[]
  /** Forks one more, of its own kind where told. */
  add: (serve?: Partial<ServeCommand>) => Promise<FixtureWorker>
  lines: () => string[]
  close: () => Promise<void>
}

export async function startSmallCluster ({ workers: count, serve = {}, socketPath, waitTimeout = 30_000, execArgv = [] }: SmallClusterOptions): Promise<SmallCluster> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'handoff-'))
  const log = path.join(folder, 'log')
  fs.writeFileSync(log, '')
  const listening = bindHandle(socketPath === undefined ? { address: '127.0.0.1', port: 0, ipv6Only: false } : { path: socketPath })
  const address = addressOfHandle(listening)
  const members = new Map<Member, FixtureWorker>()
  let next = 0
  let forked = 0

  // What workers say while they are killed comes after the log is gone.
  const note = (line: string): void => { if (fs.existsSync(log)) fs.appendFileSync(log, `${line}\n`) }

  const relay = createRelay({
    limit: 500,
    waitTimeout,
    choose: (from, refused) => {
      const others = [...members.keys()].filter(member => member !== from && !refused.has(member))
      return others[next++ % others.length]
    }
  })

  const add = (own: Partial<ServeCommand> = {}): Promise<FixtureWorker> => new Promise((resolve, reject) => {
    const run = runnable(fileURLToPath(new URL('small-cluster-worker.ts', import.meta.url)))
    const child = fork(run.file, { execArgv: [...run.execArgv, ...execArgv] })
    const replies = new Map<number, (body: unknown) => void>()
    let lastId = 0
    const tag = `w${++forked}`
    const given = new Map<number, number | undefined>()
    let ready = (): void => {
      members.set(member, worker)
      resolve(worker)
      relay.retry()
    }
    const channel = createChannel<ToFixture, FromFixture>(child as unknown as Port, (message, handle) => {
      switch (message.type) {
        case 'fixture-ready': return ready()
        case 'fixture-reply': return replies.get(message.id)?.(message.body)
        case 'handoff-give':
          given.set(message.id, portOf(handle))
          return relay.offer(member, message, handle)
        case 'handoff-back': return relay.back(member, message, handle)
      }
    })
    // Whose a connection is, as the primary knows it: what it holds (r), and what a worker has received (t).
    const member: Member = {
      channel: {
        post (message) {
          if (message.type === 'handoff-held') {
            if (message.held) note(`r ${given.get(message.id)} ${tag}`)
            given.delete(message.id)
          }
          return channel.post(message)
        },
        deliver: (message, handle, done) => channel.deliver(message, handle, received => {
          if (received) note(`t ${portOf(handle)} ${tag}`)
          done(received)
        })
      }
    }
    const ask = (message: { type: 'fixture-stats' } | { type: 'fixture-close' } | { type: 'fixture-give', max: number }): Promise<unknown> => {
      const id = ++lastId
      const reply = new Promise(resolve => { replies.set(id, resolve) })
      void channel.post({ ...message, id })
      return reply.finally(() => replies.delete(id))
    }
    const worker: FixtureWorker = {
      tag,
      child,
      channel,
      give: (max = Number.MAX_SAFE_INTEGER) => ask({ type: 'fixture-give', max }) as Promise<{ moved: number, kept: number, refused: boolean }>,
      stats: () => ask({ type: 'fixture-stats' }) as Promise<WorkerStats>,
      close: () => ask({ type: 'fixture-close' }) as Promise<number>,
      freeze: () => new Promise(resolve => {
        ready = resolve
        void channel.post({ type: 'fixture-freeze' })
      }),
      kill: () => new Promise(resolve => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once('close', () => resolve())
        // Before it happens: the port of a connection that ends with it is used again at once.
        note(`K ${tag}`)
        child.kill('SIGKILL')
      })
    }
    const gone = (): void => {
      members.delete(member)
      relay.gone(member)
    }
    emitLostDisconnect(child)
    child.once('disconnect', gone).once('exit', () => reject(new Error('the worker did not come up')))
    void channel.post({ type: 'fixture-serve', tag: worker.tag, log, ...serve, ...own }, listening as unknown as SendHandle)
  })

  for (let n = 0; n < count; n++) await add()
  return {
    port: typeof address === 'string' ? 0 : address.port,
    log,
    relay,
    pids: () => [process.pid, ...[...members.values()].map(({ child }) => child.pid ?? 0)],
    workers: () => [...members.values()],
    add,
    lines: () => fs.readFileSync(log, 'utf8').trimEnd().split('\n'),
    close: async () => {
      const all = [...members.values()]
      members.clear()
      await Promise.all(all.map(worker => worker.kill()))
      relay.close()
      listening.close()
      fs.rmSync(folder, { recursive: true, force: true })
    }
  }
}

function portOf (handle: unknown): number | undefined {
  return isConnectionHandle(handle) ? peerOf(handle).port : undefined
}
