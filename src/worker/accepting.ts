// A worker's copies of the shared listening sockets: as many as it can use, and none while it rests.
import { once } from 'node:events'
import type net from 'node:net'
import { listenOnHandle, resumeServer, suspendServer } from '../node-internals.ts'
import type { SocketHandle } from '../node-internals.ts'
import type { AskForSocket } from './listen.ts'
import { widenAccepting } from './widen-accepting.ts'
import type { Widening } from './widen-accepting.ts'

/**
 * The kernel gives a connection to whoever listens, and libuv cannot stop to listen without closing: so the copy is
 * closed, which does nothing to the others' copies or to what waits in the shared backlog. Handing each new connection
 * on instead would make the unfit worker part of every one of them, and TLS cannot move.
 */
export interface Accepting {
  /** Takes effect in the order of the calls. */
  readonly set: (on: boolean) => void
  /** The loop is busy: makes ready for overload. */
  readonly prepare: () => void
  /** From now on the servers are as if they had never rested: before a drain. */
  readonly end: () => void
}

export function createAccepting (servers: readonly net.Server[], ask: AskForSocket, backlog: number): Accepting {
  const suspended = new Set<net.Server>()
  let turn: Promise<void> = Promise.resolve()
  let state: 'running' | 'ended' = 'running'

  const askForHandle = async (index: number): Promise<{ handle: SocketHandle, path: string | undefined } | undefined> => {
    const { body, handle } = await ask(index)
    if (body.kind !== 'handle') return undefined
    return { handle: handle as SocketHandle, path: typeof body.address === 'string' ? body.address : undefined }
  }

  const widen = (server: net.Server, index: number): Widening =>
    widenAccepting(server, async () => (await askForHandle(index))?.handle, backlog)

  const resume = async (server: net.Server, index: number): Promise<void> => {
    const copy = await askForHandle(index)
    if (copy === undefined) return
    if (state === 'ended') return copy.handle.close()
    const listening = once(server, 'listening')
    listenOnHandle(server, copy.handle, backlog, copy.path)
    await listening
    widened[index] = widen(server, index)
    if (suspended.delete(server)) resumeServer(server)
  }

  const apply = async (on: boolean): Promise<void> => {
    for (const [index, server] of servers.entries()) {
      if (state === 'ended' || on === !suspended.has(server)) continue
      if (on) await resume(server, index)
      else if (suspendServer(server)) suspended.add(server)
    }
  }

  const widened = servers.map(widen)
  return {
    // A primary that is gone grants nothing; this worker drains then.
    set (on) { turn = turn.then(() => apply(on)).catch(() => {}) },
    prepare () { for (const { prepare } of widened) prepare() },
    end () {
      state = 'ended'
      for (const server of suspended) resumeServer(server)
      suspended.clear()
    }
  }
}
