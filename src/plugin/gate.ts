// One onRequest hook before all others: says who answers, counts the request in flight, asks whether to shed, announces the end of the connection while draining.
import { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify'
import { gateOf, setGate } from '../request-gate.ts'
import type { RequestGate } from '../request-gate.ts'
import type { RequestInFlight } from '../protocol.ts'
import { createWorkerIdentity, processIdentity } from '../worker-info.ts'
import type { WorkerIdentity } from '../worker-info.ts'
import type { ResolvedPluginOptions } from '../options/plugin-types.ts'
import { createInFlight } from './in-flight.ts'

/** What only the plugin may do with a gate. */
export interface PluginGate extends RequestGate {
  readonly identity: WorkerIdentity
  /** False until the plugin's options are known; the hooks let everything pass until then. */
  isConfigured: () => boolean
  configure: (options: ResolvedPluginOptions) => void
  readonly countShed: () => void
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
  const inFlight = createInFlight()
  const listeners = new Set<() => void>()
  let headers: ReadonlyArray<readonly [name: string, value: string]> = []
  let pressureHook: onRequestHookHandler | undefined
  const responses = [0, 0, 0, 0, 0]
  let total = 0
  let shed = 0
  let configured = false
  let ends: 'none' | 'every-connection' | 'unmovable-connections' = 'none'

  app.addHook('onRequest', function gate (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) {
    const { raw } = reply
    inFlight.add(raw, reply)
    total++
    // An onResponse hook would not do: none comes when the client leaves before its answer, or the reply is hijacked. It would cost more, too.
    raw.on('close', settle)
    if ((raw.socket ?? null) === null) watchPipelined(reply, settle)
    for (const [name, value] of headers) reply.header(name, value)
    if (ends !== 'none') announceEnd(reply, ends)
    if (pressureHook === undefined) done()
    else pressureHook.call(this, request, reply, done)
  })

  /** One listener for all responses, which are its `this`: nothing is allocated for a request. */
  function settle (this: FastifyReply['raw']): void {
    if (!inFlight.remove(this)) return
    if (this.headersSent) {
      const responseClass = Math.trunc(this.statusCode / 100) - 1
      responses[responseClass] = (responses[responseClass] ?? 0) + 1
    }
    if (listeners.size > 0) for (const listener of listeners) listener()
  }

  return {
    identity,
    worker: identity.info,
    inFlight: inFlight.size,
    counts: () => ({ total, shed, responses: Object.fromEntries(responses.map((count, index) => [`${index + 1}xx`, count])) }),
    countShed () { shed++ },
    list: limit => inFlight.all().toSorted((a, b) => b.elapsedTime - a.elapsedTime).slice(0, limit).map(describe),
    onSettled (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
    startDraining (which) {
      if (ends === 'every-connection') return
      ends = which
      identity.startDraining()
      for (const reply of inFlight.all()) announceEnd(reply, ends)
    },
    isConfigured: () => configured,
    configure (options) {
      configured = true
      identity.whenSeated(() => { headers = options.headers.map(([kind, name]) => [name, String(identity.info[kind])]) })
    },
    setPressureHook (hook) { pressureHook = hook }
  }
}

/** A response that waits behind another of a pipeline closes without an event on Node 20; its request does not. */
function watchPipelined (reply: FastifyReply, settle: (this: FastifyReply['raw']) => void): void {
  const { raw } = reply.request
  raw.once('close', () => { if (raw.socket.destroyed) settle.call(reply.raw) })
}

/** HTTP/2 has no Connection header; its sessions end by GOAWAY. TLS cannot move, since its state is in this process. */
function announceEnd (reply: FastifyReply, ends: 'every-connection' | 'unmovable-connections'): void {
  const { raw } = reply.request
  if (raw.httpVersionMajor !== 1 || reply.raw.headersSent) return
  // Not `request.protocol`, which believes a proxy's header where the app trusts it.
  if (ends === 'every-connection' || raw.socket instanceof TLSSocket) reply.header('connection', 'close')
}

function describe (reply: FastifyReply): RequestInFlight {
  return { method: reply.request.method, url: reply.request.url, ms: Math.round(reply.elapsedTime) }
}
