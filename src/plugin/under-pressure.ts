// Runs @fastify/under-pressure behind the gate, so that it covers every route and gives way to the app's own registration.
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { ShedError } from '../errors.ts'
import type { ShedReason } from '../shedding/shed-counts.ts'
import { endIfUpgrade } from './end-upgrade.ts'
import type { PluginGate } from './gate.ts'
import type { Shedding } from './shedding.ts'

type UnderPressureOptions = underPressure.FastifyUnderPressureOptions
type PressureHandler = NonNullable<UnderPressureOptions['pressureHandler']>
type Readings = Pick<FastifyInstance, 'isUnderPressure' | 'memoryUsage'>

interface Parts {
  readonly gate: PluginGate
  readonly shedding: Shedding
  readonly options: UnderPressureOptions
  /** Whether requests are shed by how long they wait for the event loop. */
  readonly loopIsGuarded: boolean
}

const NAME = '@fastify/under-pressure'
const UTILIZATION_LIMIT = 0.98
// A loop can be fully used while nobody waits (a closed loop of fast requests); below this mean delay, in ms, it is busy and not overloaded.
const BUSY_LOOP_DELAY = 50

const REASONS: Readonly<Record<string, ShedReason>> = {
  [underPressure.TYPE_EVENT_LOOP_DELAY]: 'event-loop-delay',
  [underPressure.TYPE_EVENT_LOOP_UTILIZATION]: 'event-loop-utilization',
  [underPressure.TYPE_HEAP_USED_BYTES]: 'heap',
  [underPressure.TYPE_RSS_BYTES]: 'rss',
  [underPressure.TYPE_HEALTH_CHECK]: 'health-check'
}

export async function registerUnderPressure (fastify: FastifyInstance, parts: Parts): Promise<void> {
  const { gate, shedding } = parts
  if (fastify.hasPlugin(NAME)) return
  let readings: Readings | undefined
  await fastify.register(async child => {
    captureOnRequest(child, hook => gate.setPressureHook(function (request, reply, done) {
      // Asked first, because the hook has Fastify put together the route's options for each request.
      if (readings?.isUnderPressure() === false) done()
      // A part of the app that has registered it too decides for its own routes.
      else if (this !== child && this.hasPlugin(NAME)) done()
      else if (shedding.standingOf(request) === 'exempt') done()
      else {
        endIfUpgrade(reply)
        // Once it has answered nothing is left to do; it would go on to the next hook.
        hook.call(this, request, reply, error => { if (!reply.sent) done(error) })
      }
    }))
    await child.register(underPressure, withDefaults(parts, () => child.memoryUsage().eventLoopDelay))
    readings = { isUnderPressure: () => child.isUnderPressure(), memoryUsage: () => child.memoryUsage() }
    shedding.setPressure(readings.isUnderPressure)
  })
  // Only now is it known whether the app registered its own after us.
  fastify.addHook('onReady', done => {
    if (fastify.hasPlugin(NAME)) {
      gate.setPressureHook(undefined)
      shedding.setPressure(() => fastify.isUnderPressure())
    } else if (readings !== undefined) decorateWith(fastify, readings, shedding)
    done()
  })
}

/** Its hook is kept from the child, which has no routes, and handed to the gate, which is on every route. */
function captureOnRequest (child: FastifyInstance, keep: (hook: onRequestHookHandler) => void): void {
  const addHook = child.addHook.bind(child) as unknown as (name: string, hook: unknown) => FastifyInstance
  child.addHook = ((name: string, hook: unknown) => {
    if (name !== 'onRequest') return addHook(name, hook)
    keep(hook as onRequestHookHandler)
    return child
  }) as FastifyInstance['addHook']
}

function decorateWith (fastify: FastifyInstance, { isUnderPressure, memoryUsage }: Readings, { isOverloaded }: Shedding): void {
  if (!fastify.hasDecorator('isUnderPressure')) fastify.decorate('isUnderPressure', () => isOverloaded() || isUnderPressure())
  if (!fastify.hasDecorator('memoryUsage')) fastify.decorate('memoryUsage', memoryUsage)
}

/** Interval mode, because cumulative utilization averages since boot and reacts after minutes. */
function withDefaults (parts: Parts, loopDelay: () => number): UnderPressureOptions {
  const { options, shedding, loopIsGuarded } = parts
  const decidesAlone = options.maxEventLoopUtilization !== undefined
  const own: UnderPressureOptions = {
    eventLoopUtilizationMode: 'interval',
    // Sampled once a second it would shed all or nothing of what the loop's own budget sheds just enough of.
    ...loopIsGuarded ? {} : { maxEventLoopUtilization: UTILIZATION_LIMIT },
    ...options,
    // Its status route speaks for itself: 503 where the health check fails.
    ...options.exposeStatusRoute === undefined ? {} : { exposeStatusRoute: neverShed(options.exposeStatusRoute) }
  }
  const isMerelyBusy = (reason: string): boolean => !decidesAlone && reason === underPressure.TYPE_EVENT_LOOP_UTILIZATION && loopDelay() < BUSY_LOOP_DELAY
  return { pressureHandler: refuse(options, shedding, isMerelyBusy), ...own }
}

function neverShed (exposed: NonNullable<UnderPressureOptions['exposeStatusRoute']>): typeof exposed {
  if (exposed === false) return exposed
  const given = typeof exposed === 'object' ? exposed : { url: exposed === true ? '/status' : exposed, routeOpts: {} }
  const routeOpts: RouteOptions = { ...given.routeOpts }
  return { ...given, routeOpts: { ...routeOpts, config: { ...routeOpts.config, clusterize: { shed: false } } } }
}

type RouteOptions = { config?: object }

/** An error of the user's own takes Fastify's way, through the error handler; ours is the prepared answer. */
function refuse ({ retryAfter, customError, message }: UnderPressureOptions, shedding: Shedding, isMerelyBusy: (reason: string) => boolean): PressureHandler {
  const Refusal = typeof customError === 'function' ? customError : ShedError
  return (request: FastifyRequest, reply: FastifyReply, type: string): void => {
    if (isMerelyBusy(type)) return
    const reason = REASONS[type] ?? 'health-check'
    shedding.count(request, reason)
    if (customError === undefined && message === undefined) return shedding.answer(reply, reason, retryAfter)
    const error = new Refusal()
    if (message !== undefined) error.message = message
    reply.code(503).header('retry-after', retryAfter ?? shedding.retryAfter())
    // under-pressure sends what its handler returns, although its types say that it returns nothing.
    return error as unknown as undefined
  }
}
