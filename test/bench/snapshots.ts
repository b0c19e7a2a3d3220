// What the workers' reports cost: throughput with the default interval, and with the shortest, against reports that hardly ever come.
import { buildLibrary } from './build.ts'
import type { CandidateSpec } from './candidate.ts'
import { compare, failuresOf, middle, ratioOfRates } from './compare.ts'
import { benchArguments, printReport, round } from './report.ts'
import { medianRatio } from './rounds.ts'
import { needWrk } from './wrk.ts'

const CONNECTIONS = 64
const NEVER = 'no reports'
// Nothing else that runs at times: moving connections, the thread that watches for hangs.
const ALONE = { rebalance: false, hangReport: false }
const CANDIDATES = {
  [NEVER]: { kind: 'clusterize', plugin: {}, options: { ...ALONE, snapshotInterval: 2_000_000_000, hangTimeout: false } },
  'each 500 ms (default)': { kind: 'clusterize', plugin: {}, options: ALONE },
  'each 50 ms': { kind: 'clusterize', plugin: {}, options: { ...ALONE, snapshotInterval: 50 } }
} as const satisfies Record<string, CandidateSpec>

needWrk()
const { json, rounds, seconds } = benchArguments({ rounds: 15, seconds: 1 })
const [results] = await compare<keyof typeof CANDIDATES>(buildLibrary(), CANDIDATES, [{ connections: CONNECTIONS, seconds }], rounds)
if (results === undefined) throw new Error('one load was given')

const names = Object.keys(CANDIDATES) as Array<keyof typeof CANDIDATES>
printReport({
  bench: 'snapshots, 2 workers',
  rows: names.map(name => ({
    reports: name,
    '2xx/s': Math.round(middle(results[name], 'rate')),
    ratio: round(ratioOfRates(results, name, NEVER), 3),
    'CPU µs': round(middle(results[name], 'cpu'), 2),
    'CPU ratio': round(medianRatio(results[name].map(({ cpu }) => cpu), results[NEVER].map(({ cpu }) => cpu)), 3),
    'p99 ms': round(middle(results[name], 'p99')),
    'not 2xx or cut': failuresOf(results[name])
  })),
  targets: [{ name: 'throughput with reports each 500 ms, against none', value: ratioOfRates(results, 'each 500 ms (default)', NEVER), atLeast: 0.98 }],
  details: { results }
}, json)
