// Follows in the record of the workers who had each connection, so that one that failed can be told from one that was lost on its way.

/**
 * Failed connections that no killed worker had: of those on their way between workers none may be among them.
 *
 * @param lines the record: `A port tag` accepted, `r port tag` held by the primary, `t port tag` received from it, `K tag` about to be killed, in the order of
 *   time; what a killed worker did last is told after its `K`
 * @param failed the client's ports of the failed connections, a port once for each time
 */
export function unexplainedFailures (lines: readonly string[], failed: readonly number[]): number[] {
  const owners = new Map<number, string>()
  const killed = new Set<string>()
  const cut = new Map<number, number>()
  const count = (port: number, change: 1 | -1): void => { cut.set(port, (cut.get(port) ?? 0) + change) }
  for (const line of lines) {
    const [kind, first = '', tag = ''] = line.split(' ')
    const port = Number(first)
    if (kind === 'A' || kind === 't') {
      owners.set(port, tag)
      if (killed.has(tag)) count(port, 1)
    } else if (kind === 'r' && owners.get(port) === tag) {
      owners.delete(port)
      if (killed.has(tag)) count(port, -1)
    } else if (kind === 'K') {
      killed.add(first)
      for (const [owned, owner] of owners) if (owner === first) count(owned, 1)
    }
  }
  return failed.filter(port => {
    const left = cut.get(port) ?? 0
    count(port, -1)
    return left <= 0
  })
}
