// Starts and ends the servers under comparison, each a process group of its own.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Build } from './build.ts'

export interface CandidateSpec {
  readonly kind: 'single' | 'bare' | 'clusterize'
  /** Of a bare cluster. */
  readonly policy?: 'rr' | 'none'
  readonly workers?: number
  /** Options the app registers the plugin with; without, a bare app has none, and clusterize() gives its app the default. */
  readonly plugin?: object
  /** Of clusterize(). */
  readonly options?: object
}

export interface Candidate {
  readonly port: number
  readonly pid: number
  /** Of the workers. */
  readonly pids: readonly number[]
  /** From the spawn of the primary until all workers listen, in ms. */
  readonly startMs: number
  /** From the fork of a worker until it listens, in ms; the mean. */
  readonly bootMs: number
  /** Sends it one message and waits for one of this type. */
  readonly ask: (message: string, type: string) => Promise<unknown>
  readonly stop: () => Promise<void>
}

type Message = { type: string } & Record<string, unknown>

export async function startCandidate ({ server, library }: Build, spec: CandidateSpec, environment: NodeJS.ProcessEnv = {}): Promise<Candidate> {
  const began = performance.now()
  const child = spawn(process.execPath, [server], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', ...environment, BENCH_CANDIDATE: JSON.stringify({ ...spec, library }) }
  })
  const kill = (): void => killGroup(child)
  process.once('exit', kill)
  const { port, pids, bootMs } = await nextMessage(child, 'ready') as { port: number, pids: number[], bootMs: number }
  return {
    port,
    pids,
    bootMs,
    pid: child.pid ?? 0,
    startMs: performance.now() - began,
    ask (message, type) {
      const answer = nextMessage(child, type)
      child.send(message)
      return answer
    },
    async stop () {
      const exited = once(child, 'exit')
      kill()
      process.off('exit', kill)
      await exited
    }
  }
}

function nextMessage (child: ChildProcess, type: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      const received = message as Message
      if (received.type !== type && received.type !== `${type}-failed`) return
      settle()
      if (received.type === type) resolve(received)
      else reject(new Error(JSON.stringify(received)))
    }
    const onExit = (): void => {
      settle()
      reject(new Error(`a candidate ended before it said "${type}"`))
    }
    const settle = (): void => { child.off('message', onMessage).off('exit', onExit) }
    child.on('message', onMessage).once('exit', onExit)
  })
}

/** The workers with it: what is measured is not how it stops. */
function killGroup ({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
