// Many short rounds in turn instead of one long run each: what else the machine does hits all candidates alike, and medians forget it.

/** Measures every candidate once a round, in an order that rotates and turns round, so that none always follows the same other; the first round warms up and is left out. */
export async function measureInTurn<Name extends string, T> (names: readonly Name[], rounds: number, measure: (name: Name) => Promise<T>, { warmUp = true }: { warmUp?: boolean } = {}): Promise<Record<Name, T[]>> {
  const results = Object.fromEntries(names.map(name => [name, []])) as unknown as Record<Name, T[]>
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    for (const name of orderOf(names, Math.max(0, round))) {
      const result = await measure(name)
      if (round >= 0) results[name].push(result)
    }
  }
  return results
}

function orderOf<Name> (names: readonly Name[], round: number): Name[] {
  const first = Math.floor(round / 2) % names.length
  const order = [...names.slice(first), ...names.slice(0, first)]
  return round % 2 === 0 ? order : order.reverse()
}

export function median (values: readonly number[]): number {
  return percentile(values, 50)
}

export function percentile (values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  if (sorted.length === 0) return NaN
  const at = (sorted.length - 1) * percent / 100
  const low = sorted[Math.floor(at)] ?? NaN
  const high = sorted[Math.ceil(at)] ?? NaN
  return low + (high - low) * (at - Math.floor(at))
}

/** The median of the rounds' own ratios: both sides of each were measured within seconds of one another. */
export function medianRatio (ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value / (theirs[round] ?? NaN)))
}
