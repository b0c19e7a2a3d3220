// What clients notice of a rolling reload: latency during it against latency without, and every request that failed or connection that closed.
import { parseArgs } from 'node:util'
import { seeded } from '../helpers/random.ts'
import { startLoad } from '../helpers/load.ts'
import type { LoadReport } from '../helpers/load.ts'
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import { poissonArrivals, runOpenLoop } from './open-loop.ts'
import type { OpenLoopResult } from './open-loop.ts'
import { printReport, round } from './report.ts'
import { percentile } from './rounds.ts'

const PER_SECOND = 1_000
const CONNECTIONS = 64
const FULL_SPEED_CONNECTIONS = 200

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' }, workers: { type: 'string', default: '2' }, reloads: { type: 'string', default: '10' } } })
const rounds = Number(values.rounds)
const reloads = Number(values.reloads)
const { port, ask, stop } = await startCandidate(buildLibrary(), { kind: 'clusterize', workers: Number(values.workers), plugin: { underPressure: false, shedding: false } })
const random = seeded(1)

const calm: OpenLoopResult[] = []
const reloading: OpenLoopResult[] = []
const reloadTimes: number[] = []
await load(1)
for (let turn = 0; turn < rounds; turn++) {
  const began = performance.now()
  const running = ask('reload', 'reloaded')
  // As long as the reload takes, which the first one tells.
  const [result] = await Promise.all([load(reloadTimes[0] ?? 4_000), running.then(() => reloadTimes.push(performance.now() - began))])
  reloading.push(result)
  calm.push(await load(reloadTimes[0] ?? 4_000))
}
const atFullSpeed = await closedLoopOverReloads()
await stop()

const latencies = (results: readonly OpenLoopResult[]): number[] => results.flatMap(({ answered }) => answered.map(({ latency }) => latency))
const failed = (results: readonly OpenLoopResult[]): number => results.reduce((sum, each) => sum + each.failed, 0)
const closed = (results: readonly OpenLoopResult[]): number => results.reduce((sum, each) => sum + each.closed, 0)
const row = (name: string, results: readonly OpenLoopResult[]): Record<string, string | number> => ({
  phase: name,
  'p50 ms': round(percentile(latencies(results), 50)),
  'p99 ms': round(percentile(latencies(results), 99)),
  'max ms': round(Math.max(...latencies(results))),
  requests: latencies(results).length,
  failed: failed(results),
  'connections closed': closed(results)
})
const fullSpeedClosed = Object.values(atFullSpeed.endings).reduce((sum, count) => sum + count, 0)
printReport({
  bench: `reload: ${values.workers} workers, ${CONNECTIONS} kept connections, ${PER_SECOND} requests/s; a reload took ${Math.round(percentile(reloadTimes, 50))} ms`,
  rows: [
    row('no reload', calm),
    row('during a reload', reloading),
    { phase: `during ${reloads} reloads in a row, ${FULL_SPEED_CONNECTIONS} connections at full speed`, requests: atFullSpeed.answered, failed: atFullSpeed.failures.length, 'connections closed': fullSpeedClosed }
  ],
  targets: [
    { name: 'failed requests', value: failed(reloading) + atFullSpeed.failures.length, atMost: 0 },
    { name: 'closed connections', value: closed(reloading) + fullSpeedClosed, atMost: 0 }
  ],
  details: { ratioOfP99: percentile(latencies(reloading), 99) / percentile(latencies(calm), 99), reloadTimes }
}, values.json)

function load (ms: number): Promise<OpenLoopResult> {
  return runOpenLoop({ port, connections: CONNECTIONS, random, arrivals: poissonArrivals(PER_SECOND, ms / 1000, random, () => '/') })
}

/** As many requests as the clients manage, in pieces cut anywhere, while it reloads again and again. */
async function closedLoopOverReloads (): Promise<LoadReport> {
  const running = startLoad({ target: { port, host: '127.0.0.1' }, connections: FULL_SPEED_CONNECTIONS, random, reconnect: 'always' })
  await running.reached(100)
  for (let reload = 0; reload < reloads; reload++) await ask('reload', 'reloaded')
  const { endings, ...report } = running.report()
  const before = { ...endings }
  await running.stop()
  return { ...report, endings: before }
}
