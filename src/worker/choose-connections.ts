// Which idle connections carry about a wanted load away: hot ones rather than cold, and never one that alone carries too much. Pure.

export interface RatedConnection { readonly rate: number }

// A little over is allowed: rates are estimates, and the last connection seldom fits exactly.
const TOLERANCE = 1.1

/** Greedy from the hottest: each that still fits into `rate`, in whatever unit the connections are rated, `max` at most. */
export function chooseConnections<T extends RatedConnection> (connections: readonly T[], rate: number, max: number): T[] {
  const chosen: T[] = []
  let left = rate * TOLERANCE
  for (const connection of connections.toSorted((a, b) => b.rate - a.rate)) {
    if (chosen.length >= max) break
    if (connection.rate <= 0 || connection.rate > left) continue
    chosen.push(connection)
    left -= connection.rate
  }
  return chosen
}
