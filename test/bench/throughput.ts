// Throughput of two workers, over kept connections and with one connection for each request: bare node:cluster in both policies, this package, one process.
import { buildLibrary } from './build.ts'
import type { CandidateSpec } from './candidate.ts'
import { compare, failuresOf, middle, ratioOfCpu, ratioOfRates } from './compare.ts'
import { benchArguments, printReport, round } from './report.ts'
import { needWrk } from './wrk.ts'

const CONNECTIONS = 64
const STARTS = 6
const CANDIDATES = {
  'bare round robin': { kind: 'bare', policy: 'rr' },
  'bare shared accept': { kind: 'bare', policy: 'none' },
  'fastify-clusterize': { kind: 'clusterize', plugin: {} },
  'one process': { kind: 'single' }
} as const satisfies Record<string, CandidateSpec>

needWrk()
const { json, rounds, seconds } = benchArguments({ rounds: 18, seconds: 1 })
const load = { connections: CONNECTIONS, seconds }
const [kept, closed] = await compare<keyof typeof CANDIDATES>(buildLibrary(), CANDIDATES, [load, { ...load, close: true }], Math.ceil(rounds / STARTS), STARTS)
if (kept === undefined || closed === undefined) throw new Error('two loads were given')

const names = Object.keys(CANDIDATES) as Array<keyof typeof CANDIDATES>
printReport({
  bench: 'throughput',
  rows: names.map(name => ({
    candidate: name,
    'kept 2xx/s': Math.round(middle(kept[name], 'rate')),
    'p99 ms': round(middle(kept[name], 'p99')),
    'CPU µs': round(middle(kept[name], 'cpu'), 1),
    'closed 2xx/s': Math.round(middle(closed[name], 'rate')),
    'p99 ms closed': round(middle(closed[name], 'p99')),
    'CPU µs closed': round(middle(closed[name], 'cpu'), 1),
    'not 2xx or cut': failuresOf([...kept[name], ...closed[name]])
  })),
  targets: [
    { name: 'kept connections, against bare shared accept', value: ratioOfRates(kept, 'fastify-clusterize', 'bare shared accept'), atLeast: 0.97 },
    { name: 'one connection per request, against bare shared accept', value: ratioOfRates(closed, 'fastify-clusterize', 'bare shared accept'), atLeast: 0.95 },
    { name: 'one connection per request, against bare round robin', value: ratioOfRates(closed, 'fastify-clusterize', 'bare round robin'), atLeast: 2 },
    { name: 'CPU time of a request over kept connections, against bare shared accept', value: ratioOfCpu(kept, 'fastify-clusterize', 'bare shared accept') },
    { name: 'CPU time of a connection and request, against bare round robin', value: ratioOfCpu(closed, 'fastify-clusterize', 'bare round robin') }
  ],
  details: { kept, closed }
}, json)
