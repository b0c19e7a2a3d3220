// What recording requests for the metrics costs each of them: in one process that records by turns, since two processes differ by more than that.
import { buildLibrary } from './build.ts'
import { startCandidate } from './candidate.ts'
import { benchArguments, printReport, round } from './report.ts'
import { median, medianRatio } from './rounds.ts'
import { needWrk, wrk } from './wrk.ts'

const CONNECTIONS = 32
const SCRAPE_INTERVAL = 1_000
const ADMIN_PORT = 39_217
const PERIOD = 100
/** Until the compiler has seen it all. */
const WARM_UP_TURNS = 30

interface Turn { readonly on: boolean, readonly cpu: number, readonly requests: number }

needWrk()
const { json, rounds, seconds } = benchArguments({ rounds: 4, seconds: 20 })
const build = buildLibrary()
const each: number[] = []
const costs = { on: [] as number[], off: [] as number[] }
let failures = 0
for (let turn = 0; turn < rounds; turn++) await measure()

/** In a new process each round: what the compiler makes of the same code differs. */
async function measure (): Promise<void> {
  const candidate = await startCandidate({ ...build, server: build.server.replace(/server\.js$/, 'metrics-server.js') }, { kind: 'clusterize', adminPort: ADMIN_PORT, period: PERIOD } as never)
  // The last scrape is cut with the candidate.
  const scraper = setInterval(() => { fetch(`http://127.0.0.1:${ADMIN_PORT}/metrics`).then(answer => answer.text()).catch(() => {}) }, SCRAPE_INTERVAL)
  const { non2xx, socketErrors } = await wrk({ port: candidate.port, connections: CONNECTIONS, seconds })
  const { turns } = await candidate.ask('tell', 'turns') as { turns: readonly Turn[] }
  clearInterval(scraper)
  await candidate.stop()
  failures += non2xx + socketErrors
  const [on, off] = inPairs(turns.slice(WARM_UP_TURNS))
  costs.on.push(...on)
  costs.off.push(...off)
  each.push(medianRatio(off, on))
}

/** Of two turns that follow one another one records and one does not; CPU time of a request in µs. */
function inPairs (turns: readonly Turn[]): [on: number[], off: number[]] {
  const on: number[] = []
  const off: number[] = []
  for (let index = 0; index + 1 < turns.length; index += 2) {
    const [first, second] = turns.slice(index, index + 2)
    if (first === undefined || second === undefined || first.requests === 0 || second.requests === 0) continue
    on.push(...[first, second].filter(turn => turn.on).map(({ cpu, requests }) => cpu / requests))
    off.push(...[first, second].filter(turn => !turn.on).map(({ cpu, requests }) => cpu / requests))
  }
  return [on, off]
}

printReport({
  bench: 'metrics, scraped each second',
  rows: (['off', 'on'] as const).map(state => ({ recording: state, 'CPU µs a request': round(median(costs[state]), 3), 'turns of 100 ms': costs[state].length, 'not 2xx or cut': failures })),
  targets: [{ name: 'requests for the same CPU time while recording, against none', value: round(medianRatio(costs.off, costs.on), 3), atLeast: 0.98 }],
  details: { ratios: each }
}, json)
