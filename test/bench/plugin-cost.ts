// What the plugin costs a request, part by part, in one process and one connection per client.
import { buildLibrary } from './build.ts'
import type { CandidateSpec } from './candidate.ts'
import { compare, failuresOf, middle, ratioOfRates } from './compare.ts'
import { benchArguments, printReport, round } from './report.ts'
import { needWrk } from './wrk.ts'

const CONNECTIONS = 64
const CANDIDATES = {
  bare: { kind: 'single' },
  'gate only': { kind: 'single', plugin: { headers: false, underPressure: false, shedding: false } },
  '+ identity': { kind: 'single', plugin: { underPressure: false, shedding: false } },
  '+ shedding': { kind: 'single', plugin: { underPressure: false } },
  '+ under-pressure (default)': { kind: 'single', plugin: {} },
  'clusterize(), 1 worker': { kind: 'clusterize', workers: 1, plugin: {} }
} as const satisfies Record<string, CandidateSpec>

needWrk()
const { json, rounds, seconds } = benchArguments({ rounds: 9, seconds: 1 })
const [results] = await compare<keyof typeof CANDIDATES>(buildLibrary(), CANDIDATES, [{ connections: CONNECTIONS, seconds }], rounds)
if (results === undefined) throw new Error('one load was given')

const bareCpu = middle(results.bare, 'cpu')
const names = Object.keys(CANDIDATES) as Array<keyof typeof CANDIDATES>
printReport({
  bench: 'plugin-cost',
  rows: names.map(name => ({
    app: name,
    '2xx/s': Math.round(middle(results[name], 'rate')),
    ratio: round(ratioOfRates(results, name, 'bare'), 3),
    'CPU µs': round(middle(results[name], 'cpu'), 2),
    'added µs': round(middle(results[name], 'cpu') - bareCpu, 2),
    'not 2xx or cut': failuresOf(results[name])
  })),
  details: { results }
}, json)
