// Ends the work of one app without cutting any of it: stop accepting, let requests finish, close idle connections, then run the app's own hooks.
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
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
  readonly onPhase?: (phase: 'requests' | 'closing') => void
}

// Of the time allowed, the share that requests get before app.close() runs all the same: its hooks end what holds on, WebSockets for one.
const SHARE_OF_REQUESTS = 0.9

/**
 * Resolves when nothing is left and the app is closed. Never `app.close()` first: Fastify answers 503 on open connections from then on.
 */
export async function drain (drainable: Drainable, { timeout, idleGrace, onPhase }: DrainOptions): Promise<void> {
  const { app, gate, connections, extraServers } = drainable
  onPhase?.('requests')
  gate.startDraining()
  await afterPendingAccepts()
  for (const server of [app.server, ...extraServers]) stopAccepting(server)
  connections.sayGoAway()
  await quiet(drainable, { graceUntil: performance.now() + idleGrace, limit: timeout * SHARE_OF_REQUESTS })
  onPhase?.('closing')
  await app.close()
}

/** Connections the kernel has accepted for us are reset when the socket closes, so take them in first: one turn of the loop polls, one accepts. */
async function afterPendingAccepts (): Promise<void> {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}

/** Closes the listening socket only: `http.Server.close` would also end idle connections at once, in the face of a request under way. */
function stopAccepting (server: net.Server): void {
  if (server.listening) net.Server.prototype.close.call(server)
}

/** Waits until no connection is open and no request in flight, at most `limit` ms; idle connections are closed once their grace is over. */
async function quiet ({ gate, connections }: Drainable, { graceUntil, limit }: { graceUntil: number, limit: number }): Promise<void> {
  const ended = new AbortController()
  const isQuiet = (): boolean => connections.count() === 0 && gate.inFlight() === 0
  const look = (): void => {
    if (isQuiet()) return ended.abort()
    if (performance.now() >= graceUntil) connections.closeIdle()
  }
  // Right after the loop has polled, so that every request that has arrived is seen and its connection is not idle.
  const lookSoon = (): void => { setImmediate(look) }
  const forget = [gate.onSettled(lookSoon), connections.onClosed(lookSoon)]
  const grace = setTimeout(lookSoon, Math.max(0, graceUntil - performance.now()))
  lookSoon()
  await sleep(limit, undefined, { signal: ended.signal }).catch(() => {})
  clearTimeout(grace)
  for (const stop of forget) stop()
}
