// Memory of the primary and of each worker, against a bare cluster with the same app.
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
import { memoryOf } from './processes.ts'
import { benchArguments, printReport, round } from './report.ts'
import { needWrk, wrk } from './wrk.ts'

const CANDIDATES = {
  'bare shared accept': { kind: 'bare', policy: 'none' },
  'fastify-clusterize': { kind: 'clusterize', plugin: {} }
} as const satisfies Record<string, CandidateSpec>

needWrk()
const { json, seconds } = benchArguments({ rounds: 1, seconds: 3 })
const build = buildLibrary()
const rows = []
for (const [name, spec] of Object.entries(CANDIDATES)) {
  const candidate = await startCandidate(build, spec)
  // Under traffic once, so that both have their hot code compiled.
  await wrk({ port: candidate.port, connections: 64, seconds })
  const primary = memoryOf(candidate.pid)
  const workers = candidate.pids.map(memoryOf)
  const mean = (of: 'rss' | 'pss'): number => workers.reduce((sum, memory) => sum + memory[of], 0) / workers.length
  rows.push({ candidate: name, 'primary RSS MB': round(primary.rss, 1), 'primary PSS MB': round(primary.pss, 1), 'worker RSS MB': round(mean('rss'), 1), 'worker PSS MB': round(mean('pss'), 1) })
  await candidate.stop()
}
printReport({ bench: 'memory', rows }, json)
