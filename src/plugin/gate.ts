// One onRequest hook before all others: says who answers, counts the request in flight, asks whether to shed, announces the end of the connection while draining.
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify'
import { gateOf, setGate } from '../request-gate.ts'
import type { RequestGate } from '../request-gate.ts'
import type { RequestInFlight } from '../protocol.ts'
import { createWorkerIdentity, processIdentity } from '../worker-info.ts'
import type { ResolvedPluginOptions } from '../options/plugin-types.ts'

/** What only the plugin may do with a gate. */
export interface PluginGate extends RequestGate {
  /** False until the plugin's options are known; the hooks let everything pass until then. */
  isConfigured: () => boolean
  configure: (options: ResolvedPluginOptions) => void
  /** A hook that may answer instead of the route, or undefined. */
  setPressureHook: (hook: onRequestHookHandler | undefined) => void
}

/**
 * Adds the gate's hooks to an instance, once: a second call returns the same gate.
 * Called while an instance has no child plugins yet, it reaches every route, because hooks are inherited when a child is created.
 */
export function installGate (app: FastifyInstance): PluginGate {
  const installed = gateOf<PluginGate>(app)
  if (installed !== undefined) return installed
  const gate = createGate(app)
  setGate(app, gate)
  return gate
}

function createGate (app: FastifyInstance): PluginGate {
  const identity = processIdentity() ?? createWorkerIdentity({ id: 1, generation: 1, isClustered: false })
  const replies = new Set<FastifyReply>()
  const listeners = new Set<() => void>()
  let headers: ReadonlyArray<readonly [name: string, value: string]> = []
  let pressureHook: onRequestHookHandler | undefined
  let configured = false
  let ends: 'none' | 'every-connection' | 'unmovable-connections' = 'none'

  app.addHook('onRequest', function gate (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) {
    replies.add(reply)
    for (const [name, value] of headers) reply.header(name, value)
    if (ends !== 'none') announceEnd(reply, ends)
    if (pressureHook === undefined) done()
    else pressureHook.call(this, request, reply, done)
  })

  app.addHook('onResponse', function settle (_request, reply, done) {
    replies.delete(reply)
    for (const listener of listeners) listener()
    done()
  })

  return {
    worker: identity.info,
    inFlight: () => replies.size,
    list: limit => [...replies].slice(0, limit).map(describe),
    onSettled (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
    startDraining (which) {
      if (ends === 'every-connection') return
      ends = which
      identity.startDraining()
      for (const reply of replies) announceEnd(reply, ends)
    },
    isConfigured: () => configured,
    configure (options) {
      configured = true
      headers = options.headers.map(([kind, name]) => [name, String(identity.info[kind])])
    },
    setPressureHook (hook) { pressureHook = hook }
  }
}

/** HTTP/2 has no Connection header; its sessions end by GOAWAY. TLS cannot move, since its state is in this process. */
function announceEnd (reply: FastifyReply, ends: 'every-connection' | 'unmovable-connections'): void {
  const { raw, protocol } = reply.request
  if (raw.httpVersionMajor !== 1 || reply.raw.headersSent) return
  if (ends === 'every-connection' || protocol === 'https') reply.header('connection', 'close')
}

function describe (reply: FastifyReply): RequestInFlight {
  return { method: reply.request.method, url: reply.request.url, ms: Math.round(reply.elapsedTime) }
}
