// Lets a server accept as many connections in one turn of the loop as wait, where libuv accepts one from each listening socket: while the loop has no rest it listens on more copies of its socket.
import type net from 'node:net'
import { performance } from 'node:perf_hooks'
import { acceptAlso, acceptingHandleOf, watchAccepting } from '../node-internals.ts'
import type { AcceptingHandle, SocketHandle } from '../node-internals.ts'
import { MOST_COPIES, nextCopies } from './accept-policy.ts'

/** Asks for one more copy of the socket; undefined where there is none to be had. */
export type AskForCopy = () => Promise<SocketHandle | undefined>

/** How wide a server accepts. */
export interface Widening {
  /** The loop is busy: what overload would need is fetched while there is time for it. */
  readonly prepare: () => void
}

// What is decided is decided by turns that took this long together, in ms, and by this many.
const [WINDOW_MS, WINDOW_TURNS] = [50, 2]
const { nodeTiming } = performance

/**
 * With one connection a turn a busy loop leaves the rest in the kernel's backlog, where the shedder does not see them: under overload each would
 * wait for as long as the backlog is, and none be shed. Counts alone are kept until a window is over, and nothing runs while nobody comes.
 * Ends when the server stops to listen.
 */
export function widenAccepting (server: net.Server, askForCopy: AskForCopy, backlog: number): Widening {
  const own = acceptingHandleOf(server)
  return own === undefined ? { prepare () {} } : widen(own, askForCopy, backlog)
}

function widen (own: AcceptingHandle, askForCopy: AskForCopy, backlog: number): Widening {
  const copies: SocketHandle[] = []
  // Copies that do not accept yet. One comes in a turn of the loop, which is slow once turns are long.
  const spare: SocketHandle[] = []
  const window = { began: performance.now(), turns: loopCount(), idleTime: nodeTiming.idleTime, accepted: 0 }
  let state: 'open' | 'fetching' | 'closed' = 'open'
  let wanted = 0

  watchAccepting(own, {
    onAccept () {
      window.accepted++
      const elapsed = performance.now() - window.began
      if (elapsed >= WINDOW_MS) look(elapsed)
    },
    onClose () {
      state = 'closed'
      for (const copy of [...copies.splice(0), ...spare.splice(0)]) copy.close()
    }
  })

  function look (elapsed: number): void {
    const turns = loopCount() - window.turns
    if (turns < WINDOW_TURNS) return
    const { idleTime } = nodeTiming
    wanted = nextCopies(copies.length, { accepted: window.accepted, turns, elapsed, idle: idleTime - window.idleTime })
    Object.assign(window, { began: window.began + elapsed, turns: window.turns + turns, idleTime, accepted: 0 })
    adjust()
    if (wanted > 0) fetch()
  }

  function adjust (): void {
    for (const copy of copies.splice(wanted)) copy.close()
    for (const copy of spare.splice(0, wanted - copies.length)) {
      acceptAlso(own, copy, backlog)
      copies.push(copy)
    }
  }

  /** One after the other, all there may be. */
  function fetch (): void {
    if (state !== 'open' || copies.length + spare.length >= MOST_COPIES) return
    state = 'fetching'
    // A primary that is gone has none.
    void askForCopy().catch(() => undefined).then(keep)
  }

  function keep (copy: SocketHandle | undefined): void {
    if (state === 'closed') return copy?.close()
    state = 'open'
    if (copy === undefined) return
    spare.push(copy)
    adjust()
    fetch()
  }

  return { prepare: fetch }
}

function loopCount (): number {
  return nodeTiming.uvMetricsInfo.loopCount
}
