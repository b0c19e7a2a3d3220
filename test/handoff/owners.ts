// Follows in the record of the workers who had each connection, so that one that failed can be told from one that was lost on its way.

/**
 * Failed connections that no killed worker had: of those on their way between workers none may be among them.
 *
 * @param lines the record: `A port tag` accepted, `r port tag` held by the primary, `t port tag` received from it, `K tag` killed, in the order of time
 * @param failed the client's ports of the failed connections, a port once for each time
 */
export function unexplainedFailures (lines: readonly string[], failed: readonly number[]): number[] {
  const owners = new Map<number, string>()
  const cut = new Map<number, number>()
  for (const line of lines) {
    const [kind, first = '', tag = ''] = line.split(' ')
    const port = Number(first)
    if (kind === 'A' || kind === 't') owners.set(port, tag)
    if (kind === 'r' && owners.get(port) === tag) owners.delete(port)
    if (kind !== 'K') continue
    for (const [owned] of [...owners].filter(([, owner]) => owner === first)) {
      owners.delete(owned)
      cut.set(owned, (cut.get(owned) ?? 0) + 1)
    }
  }
  return failed.filter(port => {
    const left = cut.get(port) ?? 0
    cut.set(port, left - 1)
    return left <= 0
  })
}
