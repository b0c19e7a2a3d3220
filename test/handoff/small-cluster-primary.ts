// The small cluster in a process of its own, so that it can be killed and measured: commands and answers over IPC.
import fs from 'node:fs'
import { startSmallCluster } from './small-cluster.ts'
import type { SmallClusterOptions, WorkerStats } from './small-cluster.ts'
import type { RelayCounts } from '../../src/handoff/relay.ts'

export type PrimaryCommand = { type: 'churn', every: number } | { type: 'stats' } | { type: 'kill-one' } | { type: 'stop-yourself' } | { type: 'close' }
export interface PrimaryStats { relay: RelayCounts, heap: number, fds: number, workers: WorkerStats[] }
export interface Started { port: number, log: string, pids: number[] }

const cluster = await startSmallCluster(JSON.parse(process.argv[2] ?? '{}') as SmallClusterOptions)
const reply = (body: unknown): void => { process.send?.(body) }
let churning = 0

const startChurn = (every: number): Promise<unknown> => {
  churning = every
  return Promise.all(cluster.workers().map(({ channel }) => channel.post({ type: 'fixture-churn', every })))
}

const stats = async (): Promise<PrimaryStats> => {
  const workers = await Promise.all(cluster.workers().map(worker => worker.stats()))
  globalThis.gc?.()
  globalThis.gc?.()
  return { relay: cluster.relay.counts(), heap: process.memoryUsage().heapUsed, fds: fs.readdirSync('/proc/self/fd').length, workers }
}

/** The oldest goes; a new one takes its place. Answers with its tag. */
const killOne = async (): Promise<string> => {
  const [victim] = cluster.workers()
  if (victim === undefined) return ''
  await victim.kill()
  const worker = await cluster.add()
  await worker.channel.post({ type: 'fixture-churn', every: churning })
  return victim.tag
}

process.on('message', (command: PrimaryCommand) => {
  switch (command.type) {
    case 'churn': return void startChurn(command.every).then(reply)
    case 'stats': return void stats().then(reply)
    case 'kill-one': return void killOne().then(reply)
    case 'stop-yourself': return void process.kill(process.pid, 'SIGSTOP')
    case 'close': return void cluster.close().then(() => process.exit(0))
  }
})
reply({ port: cluster.port, log: cluster.log, pids: cluster.workers().map(({ child }) => child.pid ?? 0) } satisfies Started)
