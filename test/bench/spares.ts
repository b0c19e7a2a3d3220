// How long a slot stays empty after its worker was killed: with a spare that waits, against a cold start.
import { setTimeout as sleep } from 'node:timers/promises'
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
import { benchArguments, printReport, round } from './report.ts'
import { measureInTurn, median, medianRatio } from './rounds.ts'

const COLD = 'cold start'
const SPARE = 'spares: 1'
const CANDIDATES = {
  [COLD]: { kind: 'clusterize', plugin: {} },
  [SPARE]: { kind: 'clusterize', plugin: {}, options: { spares: 1 } }
} as const satisfies Record<string, CandidateSpec>
type Name = keyof typeof CANDIDATES
const names = Object.keys(CANDIDATES) as Name[]
// Until the machine has come to rest after the boot, in ms.
const REST = 2_000

const { json, rounds } = benchArguments({ rounds: 9, seconds: 0 })
const build = buildLibrary()
const results = await measureInTurn(names, rounds, async name => {
  const { ask, stop } = await startCandidate(build, CANDIDATES[name])
  await sleep(REST)
  const { ms, spared } = await ask('kill', 'restored') as { ms: number, spared: boolean }
  await stop()
  if (spared !== (name === SPARE)) throw new Error(`a spare was ${spared ? '' : 'not '}there`)
  return ms
})

printReport({
  bench: 'spares: from the SIGKILL of a worker until its slot is served again, 2 workers',
  rows: names.map(name => ({ candidate: name, ms: round(median(results[name]), 1), 'against a cold start': round(medianRatio(results[name], results[COLD])) })),
  details: { results }
}, json)
