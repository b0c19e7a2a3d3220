// The small cluster in a process of its own, so that it can be killed: commands and answers over IPC.
import { startSmallCluster } from './small-cluster.ts'
import type { SmallClusterOptions } from './small-cluster.ts'

export type PrimaryCommand = { type: 'churn', every: number } | { type: 'stop-yourself' }
export interface Started { port: number, log: string, pids: number[] }

const cluster = await startSmallCluster(JSON.parse(process.argv[2] ?? '{}') as SmallClusterOptions)
const reply = (body: unknown): void => { process.send?.(body) }

const startChurn = (every: number): Promise<unknown> => Promise.all(cluster.workers().map(({ channel }) => channel.post({ type: 'fixture-churn', every })))

process.on('message', (command: PrimaryCommand) => {
  switch (command.type) {
    case 'churn': return void startChurn(command.every).then(reply)
    case 'stop-yourself': return void process.kill(process.pid, 'SIGSTOP')
  }
})
reply({ port: cluster.port, log: cluster.log, pids: cluster.workers().map(({ child }) => child.pid ?? 0) } satisfies Started)
