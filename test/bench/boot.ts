// How long a cluster takes to come up, with and without V8's compile cache, against bare node:cluster.
import module from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
import { benchArguments, printReport, round } from './report.ts'
import { measureInTurn, median, medianRatio } from './rounds.ts'

const WITHOUT = 'fastify-clusterize, compileCache: false'
const WITH = 'fastify-clusterize (default)'
const BARE = 'bare shared accept'
const CANDIDATES = {
  [BARE]: { kind: 'bare', policy: 'none' },
  [WITHOUT]: { kind: 'clusterize', plugin: {}, options: { compileCache: false } },
  [WITH]: { kind: 'clusterize', plugin: {} }
} as const satisfies Record<string, CandidateSpec>
type Name = keyof typeof CANDIDATES
const names = Object.keys(CANDIDATES) as Name[]

const { json, rounds } = benchArguments({ rounds: 9, seconds: 0 })
const build = buildLibrary()
// Node keeps the cache below the folder for temporary files: one of our own, filled by the round that warms up.
const folder = mkdtempSync(path.join(tmpdir(), 'bench-cache-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const results = await measureInTurn(names, rounds, async name => {
  const { startMs, bootMs, stop } = await startCandidate(build, CANDIDATES[name], { TMPDIR: folder })
  await stop()
  return { startMs, bootMs }
})

if (!json && !('enableCompileCache' in module)) console.log(`Node ${process.version} has no compile cache that can be switched on (22.1 and later have): the last two lines are the same.`)
const starts = (name: Name): number[] => results[name].map(({ startMs }) => startMs)
const boots = (name: Name): number[] => results[name].map(({ bootMs }) => bootMs)
printReport({
  bench: 'boot, 2 workers',
  rows: names.map(name => ({
    candidate: name,
    'start to all workers listening, ms': Math.round(median(starts(name))),
    'against bare': round(medianRatio(starts(name), starts(BARE))),
    'fork to ready of a worker, ms': Math.round(median(boots(name))),
    'against no cache': round(medianRatio(boots(name), boots(WITHOUT)))
  })),
  details: { results }
}, json)
