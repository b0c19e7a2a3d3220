// Counts what became of each request of a load, second by second, and how late the load itself was.

export type Outcome = 'served' | 'shed' | 'error' | 'no-connection'

export interface LoadReport {
  /** Requests that came, by path. */
  readonly came: number[]
  /** Served within the deadline, by path. */
  readonly useful: number[]
  readonly outcomes: Record<Outcome, number>
  /** Useful answers in each second. */
  readonly seconds: number[]
  /** Requests that came in each second, and those of them that were answered usefully. */
  readonly success: ReadonlyArray<{ readonly came: number, readonly useful: number }>
  /** Of served requests, in ms; null where there was none. */
  readonly p50: number | null
  readonly p99: number | null
  /** Of shed requests, in ms. */
  readonly shedP99: number | null
  /** How late the load sent requests, in ms. */
  readonly lag: { readonly p50: number | null, readonly p99: number | null, readonly max: number | null }
  readonly connections: number
  /** CPU time of the load, as a share of the time it took. */
  readonly cpu: number
}

export interface Tally {
  readonly came: (path: number, at: number) => void
  readonly late: (at: number, now: number) => void
  readonly ended: (path: number, at: number, now: number, outcome: Outcome) => void
  readonly opened: (connections: number) => void
  readonly report: () => LoadReport
}

export function createTally ({ paths, began, seconds, deadline }: { paths: number, began: number, seconds: number, deadline: number }): Tally {
  const came = Array.from({ length: paths }, () => 0)
  const useful = Array.from({ length: paths }, () => 0)
  const outcomes: Record<Outcome, number> = { served: 0, shed: 0, error: 0, 'no-connection': 0 }
  const bySecond = Array.from({ length: Math.ceil(seconds) }, () => 0)
  const success = Array.from({ length: Math.ceil(seconds) }, () => ({ came: 0, useful: 0 }))
  const secondOf = (at: number): { came: number, useful: number } | undefined => success[Math.floor((at - began) / 1000)]
  const served: number[] = []
  const shed: number[] = []
  const lags: number[] = []
  let connections = 0
  const until = began + seconds * 1000
  const cpuAtBegin = process.cpuUsage()
  const wallAtBegin = performance.now()
  return {
    came (path, at) {
      if (at < began || at >= until) return
      came[path] = (came[path] ?? 0) + 1
      const second = secondOf(at)
      if (second !== undefined) second.came++
    },
    late (at, now) {
      if (at >= began) lags.push(now - at)
    },
    ended (path, at, now, outcome) {
      if (at < began || at >= until) return
      outcomes[outcome]++
      if (outcome === 'shed') shed.push(now - at)
      if (outcome !== 'served') return
      served.push(now - at)
      if (now - at > deadline) return
      useful[path] = (useful[path] ?? 0) + 1
      const cameIn = secondOf(at)
      if (cameIn !== undefined) cameIn.useful++
      const second = Math.floor((now - began) / 1000)
      if (second < bySecond.length) bySecond[second] = (bySecond[second] ?? 0) + 1
    },
    opened (count) { connections = Math.max(connections, count) },
    report () {
      const { user, system } = process.cpuUsage(cpuAtBegin)
      const cpu = (user + system) / 1000 / (performance.now() - wallAtBegin)
      const [servedP, shedP, lagP] = [percentiles(served), percentiles(shed), percentiles(lags)]
      return { came, useful, outcomes, seconds: bySecond, success, p50: servedP(0.5), p99: servedP(0.99), shedP99: shedP(0.99), lag: { p50: lagP(0.5), p99: lagP(0.99), max: lagP(1) }, connections, cpu }
    }
  }
}

function percentiles (values: readonly number[]): (share: number) => number | null {
  const sorted = Float64Array.from(values).sort()
  return share => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
}
