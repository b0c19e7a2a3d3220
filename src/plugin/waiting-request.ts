// A request that waits for the event loop in the gate's hook, before all that the app does with it.
import { AsyncResource } from 'node:async_hooks'
import type { FastifyReply, HookHandlerDoneFunction } from 'fastify'

export interface WaitingRequest {
  readonly reply: FastifyReply
  /** Goes on with it, in the async context in which it came: whoever traces requests has put it there. */
  readonly proceed: (proceed: (reply: FastifyReply, done: HookHandlerDoneFunction) => void) => void
}

export function createWaitingRequest (reply: FastifyReply, done: HookHandlerDoneFunction): WaitingRequest {
  const scope = new AsyncResource('FST_CLUSTERIZE_WAIT')
  return { reply, proceed: proceed => scope.runInAsyncScope(proceed, undefined, reply, done) }
}
