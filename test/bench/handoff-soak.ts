// Moves idle connections between workers all the time, under traffic, and proves that each request was served exactly once, and that nothing is left of it.
//
//   npm run soak -- [--seconds 30] [--connections 200] [--seed 1] [--kill]
//
// With --kill a worker is SIGKILLed every second and replaced: connections it holds at that moment end, those on their way do not.
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { unexplainedFailures } from '../handoff/owners.ts'
import { seeded, startLoad } from '../handoff/raw-client.ts'
import type { Load } from '../handoff/raw-client.ts'
import { startSmallCluster } from '../handoff/small-cluster.ts'
import { openFiles, until } from '../helpers/processes.ts'

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
const WARMUP_SECONDS = 5
const MEBIBYTE = 1024 * 1024
// 150 bytes for each of those moves, where a forgotten socket takes thousands; without a leak it was 1.4 MiB at most, with kills.
const HEAP_GROWTH = 3 * MEBIBYTE

interface Size { readonly fds: number, readonly heap: number }
interface Outcome { readonly requests: number, readonly moves: number, readonly kills: number, readonly doubled: number, readonly lost: number, readonly unexplained: number, readonly wrong: readonly string[], readonly failures: Load['failures'] }

const cluster = await startSmallCluster({ workers: WORKERS, serve: { fastify: true }, waitTimeout: 10_000, execArgv: ['--expose-gc'] })
// What a process makes at its first requests and moves is there before it is measured.
await soak(WARMUP_SECONDS, false)
const before = await sizes()
const { requests, moves, kills, doubled, lost, unexplained, wrong, failures } = await soak(seconds, values.kill)
const after = await sizes()
const { retried, closed } = cluster.relay.counts()
await cluster.close()

const processes = before.map((_, index) => index === 0 ? 'primary' : `worker ${index}`)
console.table(Object.fromEntries(processes.map((process, index) => [process, { 'fds before': before[index]?.fds, 'fds after': after[index]?.fds, 'heap before MiB': mebibytes(before[index]?.heap), 'heap after MiB': mebibytes(after[index]?.heap) }])))
console.log({ seconds, connections, seed, kills, requests, moves, retried, 'closed in the primary': closed, doubled, 'answered but not recorded': lost, wrong: wrong.length, failed: failures.length, 'of these not with a killed worker': unexplained })

const problems = [
  ...closed > 0 ? [`${closed} moving connections were closed`] : [],
  ...doubled > 0 ? [`${doubled} requests were served twice`] : [],
  ...lost > 0 ? [`${lost} answers have no record`] : [],
  ...wrong.length > 0 ? [`wrong answers: ${wrong.slice(0, 3).join('; ')}`] : [],
  ...unexplained > 0 ? [`${unexplained} connections failed that no killed worker had`] : [],
  ...!values.kill && failures.length > 0 ? [`${failures.length} connections failed: ${JSON.stringify(failures.slice(0, 3))}`] : [],
  ...!values.kill && seconds >= 30 && moves < MOVES ? [`only ${moves} moves`] : [],
  ...processes.flatMap((name, index) => leaks(name, before[index], after[index]))
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1

/** Begins and ends without a connection. Whatever it keeps in memory is let go of as it returns. */
async function soak (seconds: number, kill: boolean): Promise<Outcome> {
  writeFileSync(cluster.log, '')
  const { passed } = cluster.relay.counts()
  const load = startLoad({ target: { port: cluster.port, host: '127.0.0.1' }, connections, think: 20, random: seeded(seed), reconnect: kill })
  await churn()
  let kills = 0
  for (let second = 0; second < seconds; second++) {
    await sleep(1_000)
    if (!kill) continue
    await cluster.workers()[kills % WORKERS]?.kill()
    await cluster.add({})
    kills++
    await churn()
  }
  await load.stop()
  await noConnections()
  const lines = cluster.lines()
  const served = lines.filter(line => line.startsWith('S ')).map(line => line.split(' ')[1])
  const recorded = new Set(served)
  return {
    requests: load.answered.size,
    moves: cluster.relay.counts().passed - passed,
    kills,
    doubled: served.length - recorded.size,
    lost: [...load.answered.keys()].filter(id => !recorded.has(id)).length,
    unexplained: unexplainedFailures(lines, load.failures.map(({ port }) => port)).length,
    wrong: load.wrong,
    failures: load.failures
  }
}

async function churn (): Promise<void> {
  for (const { channel } of cluster.workers()) await channel.post({ type: 'fixture-churn', every: GIVE_EVERY })
}

async function noConnections (): Promise<void> {
  let open = NaN
  await until(async () => {
    open = (await Promise.all(cluster.workers().map(worker => worker.stats()))).reduce((sum, { open }) => sum + open, 0)
    return open === 0 && cluster.relay.counts().held === 0
  }, () => `the end of all connections; workers have ${open}, the primary ${cluster.relay.counts().held}`)
}

/** Of the primary, then of each worker. */
async function sizes (): Promise<Size[]> {
  const stats = await Promise.all(cluster.workers().map(worker => worker.stats()))
  globalThis.gc?.()
  const heaps = [process.memoryUsage().heapUsed, ...stats.map(({ heap }) => heap)]
  return cluster.pids().map((pid, index) => ({ fds: openFiles(pid), heap: heaps[index] ?? NaN }))
}

/** Nobody has a connection then, so each process must have the files it had; a worker that replaced the first may lack those of a compiler with a cold cache. */
function leaks (name: string, before: Size | undefined, after: Size | undefined): string[] {
  if (before === undefined || after === undefined) return [`${name} is missing`]
  return [
    ...after.fds <= before.fds ? [] : [`${name} had ${before.fds} file descriptors, and has ${after.fds}`],
    ...after.heap <= before.heap + HEAP_GROWTH ? [] : [`the heap of ${name} grew from ${mebibytes(before.heap)} to ${mebibytes(after.heap)} MiB`]
  ]
}

function mebibytes (bytes: number = NaN): number {
  return Math.round(bytes / MEBIBYTE * 100) / 100
}
