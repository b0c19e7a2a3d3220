// The M/G/n queue: one line, first come first served, whoever is free takes the next. No scheduler of whole requests does better without knowing their length.

/** Sojourn times in ms for these arrivals; `service` is how long each takes. */
export function simulateCentralQueue (arrivals: ReadonlyArray<{ readonly at: number }>, service: (index: number) => number, servers: number): number[] {
  const freeAt = Array.from({ length: servers }, () => 0)
  return arrivals.map(({ at }, index) => {
    const first = freeAt.indexOf(Math.min(...freeAt))
    const begins = Math.max(at, freeAt[first] ?? 0)
    const ends = begins + service(index)
    freeAt[first] = ends
    return ends - at
  })
}
