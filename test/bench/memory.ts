// Memory of the primary and of each worker, after the same requests, against bare node:cluster.
import { setTimeout as sleep } from 'node:timers/promises'
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
import { memoryOf } from './processes.ts'
import { benchArguments, printReport, round } from './report.ts'
import { measureInTurn, median } from './rounds.ts'
import { needWrk, wrk } from './wrk.ts'

const CANDIDATES = {
  'bare shared accept': { kind: 'bare', policy: 'none' },
  'bare round robin': { kind: 'bare', policy: 'rr' },
  'kernel (default)': { kind: 'clusterize', plugin: {} },
  connection: { kind: 'clusterize', plugin: {}, options: { scheduling: 'connection' } },
  request: { kind: 'clusterize', plugin: {}, options: { scheduling: 'request' } }
} as const satisfies Record<string, CandidateSpec>
type Name = keyof typeof CANDIDATES
const names = Object.keys(CANDIDATES) as Name[]
// Long enough that memory of the start is collected.
const SETTLE_MS = 500

needWrk()
const { json, rounds, seconds } = benchArguments({ rounds: 3, seconds: 2 })
const build = buildLibrary()
const results = await measureInTurn(names, rounds, async name => {
  const { port, pid, pids, stop } = await startCandidate(build, CANDIDATES[name])
  await wrk({ port, connections: 64, seconds })
  await sleep(SETTLE_MS)
  const primary = memoryOf(pid)
  const workers = pids.map(memoryOf)
  await stop()
  return { primary, worker: { rss: median(workers.map(({ rss }) => rss)), pss: median(workers.map(({ pss }) => pss)) } }
}, { warmUp: false })

printReport({
  bench: 'memory, in MB',
  rows: names.map(name => ({
    candidate: name,
    'primary RSS': round(median(results[name].map(({ primary }) => primary.rss)), 1),
    'primary PSS': round(median(results[name].map(({ primary }) => primary.pss)), 1),
    'worker RSS': round(median(results[name].map(({ worker }) => worker.rss)), 1),
    'worker PSS': round(median(results[name].map(({ worker }) => worker.pss)), 1)
  })),
  details: { results }
}, json)
