// Offers a cluster more than it can do, and tells how much of its work is still of use, against plain `node:cluster` and under-pressure alone.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CANDIDATES, COMPILING, PLACES } from './app.ts'
import type { AppOptions, Candidate } from './app.ts'
import type { Scheduling } from '../../../src/options/types.ts'
import type { Load } from './load.ts'
import { offerTo, startServer } from './offer.ts'
import type { WorkerShare } from './offer.ts'
import { plot } from './plot.ts'
import type { Curve } from './plot.ts'
import type { LoadReport } from './tally.ts'

const { values } = parseArgs({
  options: {
    candidates: { type: 'string', default: CANDIDATES.join(',') },
    factors: { type: 'string', default: '1.2,2,5,10' },
    workers: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '2000' },
    retries: { type: 'string', default: '0' },
    shedding: { type: 'string', default: '{}' },
    scheduling: { type: 'string', default: 'kernel' },
    'queue-timeout': { type: 'string' },
    downstream: { type: 'boolean', default: false },
    burst: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    after: { type: 'string' },
    cold: { type: 'boolean', default: false },
    svg: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false }
  }
})
const candidates = CANDIDATES.filter(candidate => values.candidates.split(',').includes(candidate))
const workers = Number(values.workers)
const seconds = Number(values.seconds)
/** Of half of the peak, as a service has before it is overloaded: clients have their connections by then, and rebalancing has seen their load. */
const WARMUP_SECONDS = Number(values.warmup)
const WARMUP_FACTOR = 0.5
const PEAK_WARMUP_SECONDS = 2
/** Kept connections are opened beforehand, and none is to wait for a second because its listening queue was full. With a connection for each request the length of the queue matters, so it is what Node takes. */
const [DEEP_BACKLOG, NODES_BACKLOG] = [4096, 511]
/**
 * What comes before all else, so that V8 has compiled what serves a request and what sheds it: uncompiled code takes six times as long, and the
 * first second of the first overload of a process pays for that. Clients that wait for their answers leave no queue behind.
 */
const COMPILING_LOADS: ReadonlyArray<Omit<Load, 'port'>> = [
  { paths: [COMPILING], phases: [{ rate: 3000, seconds: 4 }], connections: 100 },
  { phases: [{ rate: 0, seconds: 3 }], closed: 800, connections: 800 }
]
const AT_ONCE = ['/critical', '/normal', '/sheddable']
/** With handlers that await so many ms before they keep the loop. What they can do at most is what those can that keep it at once. */
const paths = values.after === undefined ? AT_ONCE : AT_ONCE.map(path => `${path}/after/${values.after}`)
/** Each worker has a few clients all the time. */
const PEAK_CLIENTS = 20 * workers
const PEAK_SECONDS = 5
/** The one load that is drawn second by second. */
const DRAWN_FACTOR = 2
const SVG = fileURLToPath(new URL('../../../docs/overload.svg', import.meta.url))

/** With what each worker had of it. */
type Offered = LoadReport & { readonly shares: readonly WorkerShare[] }

if (values.downstream) for (const candidate of candidates) await measureDownstream(candidate)
else if (values.burst) for (const candidate of candidates) await measureBurst(candidate, await measurePeak('node:cluster'))
else await measureFactors()

/** What clients get that each wait for their answers. */
async function measurePeak (candidate: Candidate, connections: number = PEAK_CLIENTS): Promise<number> {
  const report = await offer(candidate, { phases: [{ rate: 0, seconds: PEAK_WARMUP_SECONDS + PEAK_SECONDS }], warmup: PEAK_WARMUP_SECONDS, closed: PEAK_CLIENTS, connections, paths: AT_ONCE }, PEAK_SECONDS)
  return sum(report.useful) / PEAK_SECONDS
}

/** The peak is measured before and after each load and their mean taken for that of the time between: a machine that others use too is fast now and slow then. */
async function measureFactors (): Promise<void> {
  const curves: Curve[] = []
  const reports: Array<{ candidate: Candidate, factor: number, peak: number, report: Offered }> = []
  let before = await measurePeak('node:cluster')
  for (const candidate of candidates) {
    const points: Array<{ factor: number, share: number }> = []
    let drawn: readonly number[] = []
    const own = await measurePeak(candidate, Number(values.connections))
    console.log(`${candidate.padEnd(14)}  peak of its own ${own.toFixed(0)}/s over ${values.connections} connections, of bare node:cluster ${before.toFixed(0)}/s over ${PEAK_CLIENTS}, by ${PEAK_CLIENTS} clients that each wait for their answers`)
    for (const factor of values.factors.split(',').map(Number)) {
      const report = await offer(candidate, { phases: [{ rate: before * WARMUP_FACTOR, seconds: WARMUP_SECONDS }, { rate: before * factor, seconds }], retries: Number(values.retries) })
      const after = await measurePeak('node:cluster')
      const peak = (before + after) / 2
      before = after
      points.push({ factor, share: sum(report.useful) / seconds / peak })
      if (factor === DRAWN_FACTOR) drawn = report.seconds.map(count => count / peak)
      reports.push({ candidate, factor, peak, report })
      console.log(rowOf(candidate, factor, peak, report))
    }
    curves.push({ name: candidate, points, seconds: drawn })
  }
  if (values.svg) writeFileSync(SVG, plot(curves, DRAWN_FACTOR))
  if (values.json) console.log(JSON.stringify(reports))
}

function rowOf (candidate: string, factor: number, peak: number, report: Offered): string {
  const goodput = sum(report.useful) / seconds
  const bySecond = report.seconds.map(count => count / goodput)
  const mean = sum(bySecond) / bySecond.length
  const deviation = Math.sqrt(sum(bySecond.map(second => (second - mean) ** 2)) / bySecond.length)
  const [critical = NaN, normal = NaN, sheddable = NaN] = report.useful.map((count, path) => count / (report.came[path] ?? 0))
  return [
    candidate.padEnd(14), `x${factor}`.padEnd(5),
    `goodput ${(goodput / peak).toFixed(3)} of ${peak.toFixed(0)}/s (offered ${(sum(report.came) / seconds / peak).toFixed(2)})`,
    `by second ${Math.min(...bySecond).toFixed(2)}..${Math.max(...bySecond).toFixed(2)} deviation ${deviation.toFixed(2)}`,
    `p50 ${show(report.p50)} p99 ${show(report.p99)} shed p99 ${show(report.shedP99)} ms`,
    `critical ${critical.toFixed(3)} normal ${normal.toFixed(2)} sheddable ${sheddable.toFixed(2)}`,
    ...report.shares.length === 0 ? [] : [`by worker came ${partsOf(report.shares.map(({ came }) => came))} served ${partsOf(report.shares.map(({ served }) => served))}`],
    loadOf(report)
  ].join('  ')
}

function partsOf (counts: readonly number[]): string {
  return list(counts.map(count => count / sum(counts)))
}

/** So that nobody takes a late load for a fast server. */
function loadOf ({ lag, cpu, connections, outcomes }: LoadReport): string {
  return `load: lag p50 ${show(lag.p50, 1)} p99 ${show(lag.p99, 1)} max ${show(lag.max)} ms, cpu ${cpu.toFixed(2)}, ${connections} connections, errors ${outcomes.error}, found none ${outcomes['no-connection']}`
}

/** Ten times the capacity for two seconds, between times of half the capacity. */
async function measureBurst (candidate: Candidate, peak: number): Promise<void> {
  const [before, during, after] = [3, 2, 5]
  const report = await offer(candidate, { phases: [{ rate: peak / 2, seconds: WARMUP_SECONDS + before }, { rate: peak * 10, seconds: during }, { rate: peak / 2, seconds: after }] }, before + during + after)
  const share = report.success.map(({ came, useful }) => useful / came)
  console.log(`${candidate.padEnd(14)}  answered usefully, by second: before ${list(share.slice(0, before))}, burst ${list(share.slice(before, before + during))}, after ${list(share.slice(before + during))}  ${loadOf(report)}`)
}

/** A downstream takes ten times as long for a while; each worker has a pool of places, so what can be done is known. */
async function measureDownstream (candidate: Candidate): Promise<void> {
  const [fastMs, slowMs] = [10, 100]
  const [before, during, after] = [4, 10, 8]
  const possible = workers * PLACES * 1000 / slowMs
  const rate = possible * 1.5
  const phase = (length: number, path: number): Load['phases'][number] => ({ rate, seconds: length, paths: [path] })
  const report = await offer(candidate, { paths: [`/downstream/${fastMs}`, `/downstream/${slowMs}`], phases: [phase(WARMUP_SECONDS + before, 0), phase(during, 1), phase(after, 0)] }, before + during + after, { maxQueueDelay: 100, maxInFlight: 'adaptive' })
  const at = (from: number, length: number): number[] => report.seconds.slice(from, from + length)
  const normal = sum(at(0, before)) / before
  const recovered = at(before + during, after).findIndex(second => second >= normal * 0.95)
  console.log([
    candidate.padEnd(14),
    `slow: ${(sum(at(before, during)) / during / possible).toFixed(3)} of the ${possible}/s it can do, by second ${list(at(before, during).map(second => second / possible))}`,
    `after: ${list(at(before + during, after).map(second => second / normal))} of before, at 0.95 in second ${recovered + 1}`,
    `p99 ${show(report.p99)} ms`,
    loadOf(report)
  ].join('  '))
}

/** Fresh processes for each, so that none inherits the queue of the one before. */
async function offer (candidate: Candidate, load: Omit<Load, 'port'>, counted: number = seconds, shedding: AppOptions['shedding'] = JSON.parse(values.shedding) as object): Promise<Offered> {
  const server = await startServer({ candidate, workers, backlog: values.fresh ? NODES_BACKLOG : DEEP_BACKLOG, shedding, scheduling: values.scheduling as Scheduling, queueTimeout: values['queue-timeout'] === undefined ? undefined : Number(values['queue-timeout']) })
  try {
    if (!values.cold) for (const before of COMPILING_LOADS) await offerTo(server.port, { paths, ...before })
    const report = await offerTo(server.port, { warmup: WARMUP_SECONDS, connections: Number(values.connections), paths, ...values.fresh && load.closed === undefined ? { fresh: true, connections: 0 } : {}, ...load })
    const shares = candidate === 'clusterize' ? await server.shares() : []
    return { ...report, seconds: report.seconds.slice(0, counted), shares }
  } finally {
    await server.kill()
  }
}

function show (value: number | null, digits: number = 0): string {
  return value?.toFixed(digits) ?? '-'
}

function list (values: readonly number[]): string {
  return values.map(value => value.toFixed(2)).join(' ')
}

function sum (values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
