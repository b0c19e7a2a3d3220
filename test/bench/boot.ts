// From the spawn of the primary until all workers listen: a bare cluster, and this package with and without V8's compile cache.
import { mkdtempSync, rmSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import type { CandidateSpec } from './candidate.ts'
import { benchArguments, printReport, round } from './report.ts'
import { measureInTurn, median, medianRatio } from './rounds.ts'

const CANDIDATES = {
  'bare shared accept': { kind: 'bare', policy: 'none' },
  'without compile cache': { kind: 'clusterize', plugin: {}, options: { compileCache: false } },
  'with compile cache': { kind: 'clusterize', plugin: {}, options: { compileCache: true } }
} as const satisfies Record<string, CandidateSpec>

const { json, rounds } = benchArguments({ rounds: 9, seconds: 0 })
const build = buildLibrary()
const names = Object.keys(CANDIDATES) as Array<keyof typeof CANDIDATES>
// A temporary folder of its own holds the cache: the warm-up round fills it, every measured round boots from it.
const folder = mkdtempSync(path.join(tmpdir(), 'boot-'))
const results = await measureInTurn(names, rounds, async name => {
  const candidate = await startCandidate(build, CANDIDATES[name], { TMPDIR: folder })
  await candidate.stop()
  return candidate.startMs
})
rmSync(folder, { recursive: true, force: true })

if (!('enableCompileCache' in module)) console.log('this Node has no compile cache: both rows of this package are alike (22.1 and later have it)')
printReport({
  bench: 'boot',
  rows: names.map(name => ({
    cluster: name,
    'up after ms': Math.round(median(results[name])),
    'of bare': round(medianRatio(results[name], results['bare shared accept'])),
    'of without cache': round(medianRatio(results[name], results['without compile cache']))
  })),
  details: { results }
}, json)
