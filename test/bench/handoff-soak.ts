// Moves idle connections between workers all the time, under traffic, and proves that each request was served exactly once.
//
//   npm run soak -- [--seconds 30] [--connections 200] [--seed 1] [--kill]
//
// With --kill a worker is SIGKILLed every second and replaced: connections it holds at that moment end, those on their way do not.
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { unexplainedFailures } from '../handoff/owners.ts'
import { seeded, startLoad } from '../handoff/raw-client.ts'
import { startSmallCluster } from '../handoff/small-cluster.ts'
import type { SmallCluster } from '../handoff/small-cluster.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    kill: { type: 'boolean', default: false }
  }
})
const [seconds, connections, seed] = [values.seconds, values.connections, values.seed].map(Number) as [number, number, number]
const WORKERS = 4
const GIVE_EVERY = 5
// Moves that a soak of at least 30 s must reach, without kills.
const MOVES = 20_000

interface Size { readonly what: string, readonly fds: number, readonly heapMiB: number }

async function sizes (cluster: SmallCluster): Promise<Size[]> {
  globalThis.gc?.()
  const own: Size = { what: 'primary', fds: openFiles(), heapMiB: mebibytes(process.memoryUsage().heapUsed) }
  const workers = await Promise.all(cluster.workers().map(async worker => {
    const { fds, heap } = await worker.stats()
    return { what: worker.tag, fds, heapMiB: mebibytes(heap) }
  }))
  return [own, ...workers]
}

function openFiles (): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
}

function mebibytes (bytes: number): number {
  return Math.round(bytes / 1024 / 1024 * 10) / 10
}

async function churn (cluster: SmallCluster): Promise<void> {
  for (const { channel } of cluster.workers()) await channel.post({ type: 'fixture-churn', every: GIVE_EVERY })
}

const cluster = await startSmallCluster({ workers: WORKERS, serve: { fastify: true }, waitTimeout: 10_000, execArgv: ['--expose-gc'] })
const load = startLoad({ target: { port: cluster.port, host: '127.0.0.1' }, connections, think: 20, random: seeded(seed), reconnect: values.kill })
await churn(cluster)
await sleep(2_000)
const before = await sizes(cluster)
let kills = 0
for (let second = 0; second < seconds; second++) {
  await sleep(1_000)
  if (!values.kill) continue
  await cluster.workers()[kills % WORKERS]?.kill()
  await cluster.add({})
  kills++
  await churn(cluster)
}
await load.stop()
const after = await sizes(cluster)
const { passed, retried, closed } = cluster.relay.counts()
const lines = cluster.lines()
const served = lines.filter(line => line.startsWith('S ')).map(line => line.split(' ')[1])
const recorded = new Set(served)
const doubled = served.length - recorded.size
const lost = [...load.answered.keys()].filter(id => !recorded.has(id)).length
const unexplained = unexplainedFailures(lines, load.failures.map(({ port }) => port))
await cluster.close()

console.table(before.map(({ what, fds, heapMiB }, index) => ({ process: what, 'fds before': fds, 'fds after': after[index]?.fds, 'heap before MiB': heapMiB, 'heap after MiB': after[index]?.heapMiB })))
console.log({ seconds, connections, seed, kills, requests: load.answered.size, moves: passed, retried, 'closed in the primary': closed, doubled, 'answered but not recorded': lost, wrong: load.wrong.length, failed: load.failures.length, 'of these not with a killed worker': unexplained.length })

const problems = [
  ...closed > 0 ? [`${closed} moving connections were closed`] : [],
  ...doubled > 0 ? [`${doubled} requests were served twice`] : [],
  ...lost > 0 ? [`${lost} answers have no record`] : [],
  ...load.wrong.length > 0 ? [`wrong answers: ${load.wrong.slice(0, 3).join('; ')}`] : [],
  ...unexplained.length > 0 ? [`${unexplained.length} connections failed that no killed worker had`] : [],
  ...!values.kill && load.failures.length > 0 ? [`${load.failures.length} connections failed: ${JSON.stringify(load.failures.slice(0, 3))}`] : [],
  ...!values.kill && seconds >= 30 && passed < MOVES ? [`only ${passed} moves`] : []
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
