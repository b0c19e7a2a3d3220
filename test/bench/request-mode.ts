// Scheduling by request against Node's round robin: the latency of short requests among long ones, the most it can pass on, and what its handoff takes from the workers.
import { parseArgs } from 'node:util'
import { seeded } from '../helpers/random.ts'
import { buildLibrary } from './build.ts'
import type { Build } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
import { compare, middle } from './compare.ts'
import { simulateCentralQueue } from './ideal-queue.ts'
import { poissonArrivals, runOpenLoop } from './open-loop.ts'
import type { Arrival, OpenLoopResult } from './open-loop.ts'
import { printReport, round } from './report.ts'
import type { Report } from './report.ts'
import { measureInTurn, median, percentile } from './rounds.ts'
import { needWrk, wrk } from './wrk.ts'

const WORKERS = 4
const SHORT = { path: '/block/5', ms: 5 }
const LONG = { path: '/block/100', ms: 100 }
const SHARE_OF_LONG = 0.01
const LOAD = 0.7
const CONNECTIONS = 100
/** Trivial requests that come first, so that V8 has compiled what serves one: uncompiled, request scheduling took 2 ms of a worker's time for each beside a handler of 5 ms, compiled 0.9. */
const COMPILING_SECONDS = 4
const HANDLERS_MS = [1, 2, 5, 10]
const BASE = 'round robin'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    concurrency: { type: 'string', default: '1,2,3,4' },
    part: { type: 'string', default: 'latency,ceiling,share' }
  }
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const DEFAULT_CONCURRENCY = 2

needWrk()
const candidates: Record<string, CandidateSpec> = { [BASE]: { kind: 'bare', policy: 'rr', workers: WORKERS } }
for (const concurrency of values.concurrency.split(',').map(Number)) {
  // Nothing is shed here: all are to be served, however long they wait.
  candidates[requestName(concurrency)] = { kind: 'clusterize', workers: WORKERS, plugin: { underPressure: false, shedding: false }, options: { scheduling: 'request', concurrency, queue: { maxDelay: false } } }
}
const names = Object.keys(candidates)
const build = buildLibrary()
const parts: Record<string, (build: Build) => Promise<Report>> = { latency, ceiling, share: lostShare }
for (const part of values.part.split(',')) {
  const report = await parts[part]?.(build)
  if (report !== undefined) printReport(report, values.json)
}

function requestName (concurrency: number): string {
  return `request, concurrency ${concurrency}`
}

/** Every candidate gets the same arrivals in a round. */
async function latency (built: Build): Promise<Report> {
  const perSecond = LOAD * WORKERS / ((1 - SHARE_OF_LONG) * SHORT.ms + SHARE_OF_LONG * LONG.ms) * 1000
  const draws = Array.from({ length: rounds }, (_, seed) => {
    const random = seeded(seed + 1)
    return poissonArrivals(perSecond, seconds, random, () => random() < SHARE_OF_LONG ? LONG.path : SHORT.path)
  })
  const turns = new Map<string, number>()
  const results = await measureInTurn(names, rounds, async name => {
    const turn = turns.get(name) ?? 0
    turns.set(name, turn + 1)
    return oneRun(built, candidates[name], draws[turn] ?? [], turn)
  }, { warmUp: false })

  const best = requestName(DEFAULT_CONCURRENCY)
  const ran = (path: string): number => median(results[best]?.flatMap(({ answered }) => answered.filter(each => each.path === path).map(each => each.ran)) ?? [])
  const simulate = (short: number, long: number): number[] =>
    draws.flatMap(arrivals => shortOf(arrivals, simulateCentralQueue(arrivals, index => arrivals[index]?.path === LONG.path ? long : short, WORKERS)))
  const ideal = simulate(SHORT.ms, LONG.ms)
  const measured = simulate(ran(SHORT.path), ran(LONG.path))
  const shorts = (name: string): number[] => results[name]?.flatMap(({ answered }) => answered.filter(({ path }) => path === SHORT.path).map(each => each.latency)) ?? []
  const p99 = (name: string): number => percentile(shorts(name), 99)
  return {
    bench: `request-mode: short requests, ${WORKERS} workers, ${Math.round(perSecond)} requests/s (load ${LOAD})`,
    rows: [
      ...names.map(name => ({
        candidate: name,
        'p50 ms': round(percentile(shorts(name), 50), 1),
        'p95 ms': round(percentile(shorts(name), 95), 1),
        'p99 ms': round(p99(name), 1),
        failed: results[name]?.reduce((sum, { failed }) => sum + failed, 0) ?? 0,
        closed: results[name]?.reduce((sum, { closed }) => sum + closed, 0) ?? 0,
        refused: JSON.stringify(results[name]?.map(({ refused }) => refused)),
        "client's lag p50 / p99 ms": lagOf(results[name] ?? []),
        requests: shorts(name).length
      })),
      idealRow(`ideal M/G/${WORKERS} (simulated)`, ideal),
      idealRow(`the same, handlers as measured: ${round(ran(SHORT.path))} and ${round(ran(LONG.path))} ms`, measured)
    ],
    targets: [
      { name: `p99 of short requests, ${best}, against round robin`, value: p99(best) / p99(BASE), atMost: 0.45 },
      { name: 'the same against the ideal', value: p99(best) / percentile(ideal, 99), atMost: 1.5 }
    ]
  }
}

/** A fresh start each time: where a connection landed decides its latency for good under round robin. */
async function oneRun (built: Build, spec: CandidateSpec | undefined, arrivals: readonly Arrival[], seed: number): Promise<OpenLoopResult> {
  const { port, stop } = await startCandidate(built, spec ?? { kind: 'single' })
  const random = seeded(seed + 1_000)
  await wrk({ port, connections: CONNECTIONS, seconds: COMPILING_SECONDS })
  await runOpenLoop({ port, connections: CONNECTIONS, random, arrivals: poissonArrivals(300, 1, random, () => SHORT.path) })
  const result = await runOpenLoop({ port, connections: CONNECTIONS, arrivals, random })
  await stop()
  return result
}

function idealRow (candidate: string, ideal: readonly number[]): Report['rows'][number] {
  return { candidate, 'p50 ms': round(percentile(ideal, 50), 1), 'p95 ms': round(percentile(ideal, 95), 1), 'p99 ms': round(percentile(ideal, 99), 1), requests: ideal.length }
}

function shortOf (arrivals: readonly Arrival[], times: readonly number[]): number[] {
  return times.filter((_, index) => arrivals[index]?.path === SHORT.path)
}

function lagOf (results: readonly OpenLoopResult[]): string {
  const lags = results.flatMap(({ lag }) => lag)
  return `${round(percentile(lags, 50), 1)} / ${round(percentile(lags, 99), 1)}`
}

/** Trivial handlers: nothing but the passing on is measured. */
async function ceiling (built: Build): Promise<Report> {
  const two = Object.fromEntries(Object.entries(candidates).map(([name, spec]) => [name, { ...spec, workers: 2 }]))
  const [results] = await compare(built, two, [{ connections: 64, seconds: 1 }], rounds + 2)
  return {
    bench: 'request-mode: most requests a second with trivial handlers, 2 workers, kept connections',
    rows: names.map(name => ({ candidate: name, '2xx/s': Math.round(middle(results?.[name], 'rate')), 'p99 ms': round(middle(results?.[name], 'p99')), 'CPU µs': round(middle(results?.[name], 'cpu'), 1) })),
    targets: [{ name: requestName(DEFAULT_CONCURRENCY), value: middle(results?.[requestName(DEFAULT_CONCURRENCY)], 'rate'), atLeast: 6_000 }]
  }
}

/** All workers wanted all the time: what is missing from rate x handler time is lost, to HTTP, to timers that overshoot, to handoff. */
async function lostShare (built: Build): Promise<Report> {
  const results = await compare(built, candidates, HANDLERS_MS.map(ms => ({ connections: 64, seconds: 1, path: `/block/${ms}` })), rounds)
  const lost = (index: number, name: string): number => 1 - middle(results[index]?.[name], 'rate') * (HANDLERS_MS[index] ?? 0) / 1000 / WORKERS
  return {
    bench: `request-mode: share of the workers' time not spent in handlers, ${WORKERS} workers wanted all the time, in percent`,
    rows: names.map(name => ({ candidate: name, ...Object.fromEntries(HANDLERS_MS.map((ms, index) => [`${ms} ms`, round(lost(index, name) * 100, 1)])) }))
  }
}
