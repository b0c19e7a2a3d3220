// Hooks before all others: asks whether to shed, says who answers, counts the request in flight, announces the end of the connection while draining.
import { TLSSocket } from 'node:tls'
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction, onRequestHookHandler } from 'fastify'
import { gateOf, setGate } from '../request-gate.ts'
import type { RecordRequest, RequestGate } from '../request-gate.ts'
import type { RequestInFlight } from '../protocol.ts'
import { createWorkerIdentity, processIdentity } from '../worker-info.ts'
import type { WorkerIdentity } from '../worker-info.ts'
import type { SheddingState } from '../snapshot.ts'
import type { AppRegistry, ResolvedPluginOptions } from '../options/plugin-types.ts'
import type { ShedReason } from '../shedding/shed-counts.ts'
import { createInFlight, NOT_IN_FLIGHT } from './in-flight.ts'
import { collectMetrics } from './app-metrics.ts'
import { endIfUpgrade } from './end-upgrade.ts'
import { AWAITS_BODY, createLimitPlaces } from './limit-places.ts'
import type { LimitPlaces } from './limit-places.ts'
import { SHED_STATUS } from './shed-answer.ts'
import { createShedding } from './shedding.ts'
import type { Shedding, WaitingRequests } from './shedding.ts'
import { watchRoutes } from './standings.ts'
import { createWaitingRequest } from './waiting-request.ts'

/** Of a request that waits for the event loop. */
const NOT_YET_ADMITTED = -Infinity
const NO_SHEDDING: SheddingState = { active: false, share: 0, delay: 0, limit: null, shed: {} }

/** Whether this worker wants traffic: not once it drains, nor once a stop was ordered. */
export type Readiness = 'ready' | 'stopping' | 'draining'

/** What only the plugin may do with a gate. */
export interface PluginGate extends RequestGate {
  readonly identity: WorkerIdentity
  /** False until the plugin's options are known; the hooks let everything pass until then. */
  isConfigured: () => boolean
  readonly readiness: () => Readiness
  configure: (options: ResolvedPluginOptions) => Shedding
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
  let shedding: Shedding | undefined
  /** The same, where each request is to be asked for. */
  let admission: Shedding | undefined
  let limitPlaces: LimitPlaces | undefined
  let pressureHook: onRequestHookHandler | undefined
  const responses = [0, 0, 0, 0, 0]
  let total = 0
  let registries: readonly AppRegistry[] = []
  let record: RecordRequest | undefined
  let stops = false
  let ends: 'none' | 'every-connection' | 'unmovable-connections' = 'none'

  const routes = watchRoutes(app)
  app.addHook('onRequest', function gate (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) {
    total++
    if (admission !== undefined) return ask(admission, request, reply, done)
    follow(reply, NaN, record === undefined ? NaN : performance.now())
    proceed(reply, done)
  })

  app.addHook('preValidation', function gate (_request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) {
    if (admission === undefined || limitPlaces === undefined || limitPlaces.resume(reply)) done()
    else refuseLate(admission, reply)
  })

  function ask (shedder: Shedding, request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const decision = shedder.admit(request)
    if (decision !== 'serve' && decision !== 'wait') return shed(shedder, reply, decision)
    const waits = decision === 'wait'
    follow(reply, waits ? NOT_YET_ADMITTED : shedder.admittedAt(), record === undefined ? NaN : shedder.seenAt())
    if (waits) shedder.wait(createWaitingRequest(reply, done))
    else proceed(reply, done)
  }

  /** In flight is what waits, too: whoever stops has to wait for it. */
  function follow (reply: FastifyReply, admittedAt: number, begunAt: number): void {
    const { raw } = reply
    inFlight.add(raw, reply, admittedAt, begunAt)
    // An onResponse hook would not do: none comes when the client leaves before its answer, or the reply is hijacked. It would cost more, too.
    raw.on('close', settle)
    limitPlaces?.hold(reply)
    if ((raw.socket ?? null) === null) watchPipelined(reply, settle)
  }

  function proceed (reply: FastifyReply, done: HookHandlerDoneFunction): void {
    for (const [name, value] of headers) reply.header(name, value)
    if (ends !== 'none') announceEnd(reply, ends)
    if (pressureHook === undefined) done()
    else pressureHook.call(reply.server, reply.request, reply, done)
  }

  const waiting: WaitingRequests = {
    // Fastify's handlerTimeout may have answered it; behind others of a pipeline it closes later.
    isGone: ({ reply }) => reply.sent || reply.raw.headersSent || inFlight.replyOf(reply.raw) === undefined,
    serve ({ reply, proceed: goOn }) {
      inFlight.goesOn(reply.raw, admission?.admittedAt() ?? NaN)
      limitPlaces?.hold(reply)
      goOn(proceed)
    },
    refuse ({ reply }, reason) {
      inFlight.remove(reply.raw)
      if (admission !== undefined) shed(admission, reply, reason)
    }
  }

  /** It was admitted, and found no place any more once its body had come. */
  function refuseLate (shedder: Shedding, reply: FastifyReply): void {
    inFlight.remove(reply.raw)
    shedder.finished(NaN)
    shedder.count(reply.request, 'in-flight')
    shed(shedder, reply, 'in-flight')
  }

  /** Not in flight, or no longer: it is answered before anybody could ask. */
  function shed (shedder: Shedding, reply: FastifyReply, reason: ShedReason): void {
    count(SHED_STATUS)
    if (ends !== 'none') {
      if (endsConnection(reply, ends)) reply.raw.setHeader('connection', 'close')
      reply.raw.once('close', tellListeners)
    }
    endIfUpgrade(reply)
    shedder.answer(reply, reason)
  }

  function count (status: number): void {
    const responseClass = Math.trunc(status / 100) - 1
    responses[responseClass] = (responses[responseClass] ?? 0) + 1
  }

  function tellListeners (): void {
    for (const listener of listeners) listener()
  }

  /** One listener for all responses, which are its `this`: nothing is allocated for a request. */
  function settle (this: FastifyReply['raw']): void {
    if (record !== undefined && this.headersSent) recordOne(record, inFlight.replyOf(this), inFlight.begunAt(this))
    limitPlaces?.forget(this)
    const admittedAt = inFlight.remove(this)
    if (admittedAt === NOT_IN_FLIGHT) return
    if (admittedAt === NOT_YET_ADMITTED) admission?.left()
    else admission?.finished(admittedAt === AWAITS_BODY ? NaN : admittedAt)
    if (this.headersSent) count(this.statusCode)
    if (listeners.size > 0) tellListeners()
  }

  return {
    identity,
    worker: identity.info,
    inFlight: inFlight.size,
    counts: () => ({ total, shed: shedding?.total() ?? 0, responses: Object.fromEntries(responses.map((count, index) => [`${index + 1}xx`, count])) }),
    shedding: () => shedding?.state() ?? NO_SHEDDING,
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
    isConfigured: () => shedding !== undefined,
    configure (options) {
      identity.whenSeated(() => { headers = options.headers.map(([kind, name]) => [name, String(identity.info[kind])]) })
      registries = options.registries
      shedding = createShedding(app, options, { headers: () => headers, requests: () => total, routes }, waiting)
      if (shedding.admits) admission = shedding
      if (options.shedding.maxInFlight !== false) limitPlaces = createLimitPlaces(inFlight, shedding)
      return shedding
    },
    expectStop () { stops = true },
    readiness: () => ends !== 'none' ? 'draining' : stops ? 'stopping' : 'ready',
    appMetrics: () => collectMetrics(app, registries),
    record (recorder) { record = recorder },
    setPressureHook (hook) { pressureHook = hook }
  }
}

/** Those that had begun before anybody recorded have no time. */
function recordOne (record: RecordRequest, reply: FastifyReply | undefined, begunAt: number): void {
  if (reply !== undefined && !Number.isNaN(begunAt)) record(reply, performance.now() - begunAt)
}

/** A response that waits behind another of a pipeline closes without an event on Node 20; its request does not. */
function watchPipelined (reply: FastifyReply, settle: (this: FastifyReply['raw']) => void): void {
  const { raw } = reply.request
  raw.once('close', () => { if (raw.socket.destroyed) settle.call(reply.raw) })
}

function announceEnd (reply: FastifyReply, ends: 'every-connection' | 'unmovable-connections'): void {
  if (endsConnection(reply, ends)) reply.header('connection', 'close')
}

/** HTTP/2 has no Connection header; its sessions end by GOAWAY. TLS cannot move, since its state is in this process. */
function endsConnection (reply: FastifyReply, ends: 'every-connection' | 'unmovable-connections'): boolean {
  const { raw } = reply.request
  if (raw.httpVersionMajor !== 1 || reply.raw.headersSent) return false
  // Not `request.protocol`, which believes a proxy's header where the app trusts it.
  return ends === 'every-connection' || raw.socket instanceof TLSSocket
}

function describe (reply: FastifyReply): RequestInFlight {
  return { method: reply.request.method, url: reply.request.url, ms: Math.round(reply.elapsedTime) }
}
