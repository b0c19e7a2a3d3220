// New connections a second where the primary accepts: scheduling 'connection' with each balancer against Node's own round robin.
import { buildLibrary } from './build.ts'
import type { CandidateSpec } from './candidate.ts'
import { compare, failuresOf, middle, ratioOfRates } from './compare.ts'
import { benchArguments, printReport, round } from './report.ts'
import { needWrk } from './wrk.ts'

const CONNECTIONS = 64
const BASE = "Node's round robin"
const BALANCERS = ['round-robin', 'least-connections', 'power-of-two-choices', 'random', 'ip-hash'] as const
type Name = typeof BASE | typeof BALANCERS[number]

const candidates = Object.fromEntries<CandidateSpec>([
  [BASE, { kind: 'bare', policy: 'rr' }],
  ...BALANCERS.map((balancer): [Name, CandidateSpec] => [balancer, { kind: 'clusterize', plugin: {}, options: { scheduling: 'connection', balancer } }])
]) as Record<Name, CandidateSpec>

needWrk()
const { json, rounds, seconds } = benchArguments({ rounds: 7, seconds: 1 })
const [results] = await compare<Name>(buildLibrary(), candidates, [{ connections: CONNECTIONS, seconds, close: true }], rounds)
if (results === undefined) throw new Error('one load was given')

printReport({
  bench: 'dispatch',
  rows: ([BASE, ...BALANCERS] as const).map(name => ({
    balancer: name,
    'connections/s': Math.round(middle(results[name], 'rate')),
    ratio: round(ratioOfRates(results, name, BASE)),
    'p99 ms': round(middle(results[name], 'p99')),
    'CPU µs': round(middle(results[name], 'cpu'), 1),
    'not 2xx or cut': failuresOf(results[name])
  })),
  targets: BALANCERS.map(name => ({ name, value: ratioOfRates(results, name, BASE), atLeast: 0.95 })),
  details: { results }
}, json)
