// Ends the work of one app without cutting any of it: stop accepting, let requests finish, close idle connections, then run the app's own hooks.
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Giver } from '../handoff/give.ts'
import { afterPendingAccepts } from '../pending-accepts.ts'
import type { RequestGate } from '../request-gate.ts'
import type { OpenConnections } from './open-connections.ts'

export interface Drainable {
  readonly app: FastifyInstance
  readonly gate: RequestGate
  readonly connections: OpenConnections
  /** Further servers whose connections go to the app. */
  readonly extraServers: readonly net.Server[]
}

export interface DrainOptions {
  /** For everything together, in ms. */
  readonly timeout: number
  /** How long idle connections are kept for one more request, in ms. */
  readonly idleGrace: number
  /** Idle connections move to other workers by it; without one they get their grace and close. */
  readonly giver?: Pick<Giver, 'give'> | undefined
  /** Called once nothing is accepted any more and what was idle has moved. */
  readonly onHandedOver?: () => void
  readonly onPhase?: (phase: 'requests' | 'closing') => void
}

// Of the time allowed, the share that requests get before app.close() runs all the same: its hooks end what holds on, WebSockets for one.
const SHARE_OF_REQUESTS = 0.9

/**
 * Resolves when nothing is left and the app is closed. Never `app.close()` first: Fastify answers 503 on open connections from then on.
 */
export async function drain (drainable: Drainable, { timeout, idleGrace, giver, onHandedOver, onPhase }: DrainOptions): Promise<void> {
  const { app, gate, connections, extraServers } = drainable
  onPhase?.('requests')
  gate.startDraining(giver === undefined ? 'every-connection' : 'unmovable-connections')
  await acceptPending(app.server)
  for (const server of [app.server, ...extraServers]) stopAccepting(server)
  connections.sayGoAway()
  if (giver === undefined) onHandedOver?.()
  else void giver.give().then(onHandedOver)
  await quiet(drainable, { idleGrace, giver, limit: timeout * SHARE_OF_REQUESTS })
  onPhase?.('closing')
  await app.close().catch((error: unknown) => {
    // The process ends with 1 then, and the log is the only one to tell why.
    app.log.error({ err: error }, 'the app did not close: an onClose hook failed')
    throw error
  })
}

async function acceptPending (server: net.Server): Promise<void> {
  let accepted = 0
  const count = (): void => { accepted++ }
  server.on('connection', count)
  await afterPendingAccepts(() => accepted)
  server.off('connection', count)
}

/** Closes the listening socket only: `http.Server.close` would also end idle connections at once, in the face of a request under way. */
function stopAccepting (server: net.Server): void {
  if (server.listening) net.Server.prototype.close.call(server)
}

interface QuietOptions { readonly idleGrace: number, readonly giver: Pick<Giver, 'give'> | undefined, readonly limit: number }

/** Waits until no connection is open and no request in flight, at most `limit` ms. Idle connections move away, or are closed once their grace is over. */
async function quiet ({ gate, connections }: Drainable, { idleGrace, giver, limit }: QuietOptions): Promise<void> {
  const ended = new AbortController()
  let grace: 'given' | 'over' = 'given'
  const mover = giver === undefined ? undefined : createMover(giver, () => {
    gate.startDraining('every-connection')
    lookSoon()
  })
  const look = (): void => {
    if (connections.count() === 0 && gate.inFlight() === 0) return ended.abort()
    if (mover?.takes() === true) mover.move()
    else if (grace === 'over') connections.closeIdle()
  }
  // Right after the loop has polled, so that every request that has arrived is seen and its connection is not idle.
  const lookSoon = (): void => { setImmediate(look) }
  const forget = [gate.onSettled(lookSoon), connections.onClosed(lookSoon)]
  // The timer decides, not the clock: it counts from the start of the loop's turn, and may fire before the clock says so.
  const graceTimer = setTimeout(() => {
    grace = 'over'
    lookSoon()
  }, idleGrace)
  lookSoon()
  await sleep(limit, undefined, { signal: ended.signal }).catch(() => {})
  clearTimeout(graceTimer)
  for (const stop of forget) stop()
}

interface Mover {
  /** False once the primary has refused: nobody is there to take connections. */
  readonly takes: () => boolean
  /** Gives away what is idle now, one sweep at a time. */
  readonly move: () => void
}

function createMover (giver: Pick<Giver, 'give'>, onRefused: () => void): Mover {
  let state: 'still' | 'moving' | 'again' | 'refused' = 'still'
  const move = (): void => {
    if (state === 'moving') state = 'again'
    if (state !== 'still') return
    state = 'moving'
    void giver.give().then(({ refused }) => {
      const again = state === 'again'
      state = refused ? 'refused' : 'still'
      if (refused) onRefused()
      else if (again) move()
    })
  }
  return { takes: () => state !== 'refused', move }
}
