// Runs @fastify/under-pressure behind the gate, so that it covers every route and gives way to the app's own registration.
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { ShedError } from '../errors.ts'
import type { PluginGate } from './gate.ts'

type UnderPressureOptions = underPressure.FastifyUnderPressureOptions
type Readings = Pick<FastifyInstance, 'isUnderPressure' | 'memoryUsage'>

const NAME = '@fastify/under-pressure'
const UTILIZATION_LIMIT = 0.98
const RETRY_AFTER_SECONDS = 2
// A loop can be fully used while nobody waits (a closed loop of fast requests); below this mean delay, in ms, it is busy and not overloaded.
const BUSY_LOOP_DELAY = 50

export async function registerUnderPressure (fastify: FastifyInstance, gate: PluginGate, options: UnderPressureOptions): Promise<void> {
  if (fastify.hasPlugin(NAME)) return
  let readings: Readings | undefined
  await fastify.register(async child => {
    captureOnRequest(child, hook => gate.setPressureHook(function (request, reply, done) {
      // Asked first, because the hook has Fastify put together the route's options for each request.
      if (readings?.isUnderPressure() === false) done()
      // A part of the app that has registered it too decides for its own routes.
      else if (this !== child && this.hasPlugin(NAME)) done()
      else hook.call(this, request, reply, done)
    }))
    await child.register(underPressure, withDefaults(options, gate, () => child.memoryUsage().eventLoopDelay))
    readings = { isUnderPressure: () => child.isUnderPressure(), memoryUsage: () => child.memoryUsage() }
  })
  // Only now is it known whether the app registered its own after us.
  fastify.addHook('onReady', done => {
    if (fastify.hasPlugin(NAME)) gate.setPressureHook(undefined)
    else if (readings !== undefined) decorateWith(fastify, readings)
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

function decorateWith (fastify: FastifyInstance, { isUnderPressure, memoryUsage }: Readings): void {
  if (!fastify.hasDecorator('isUnderPressure')) fastify.decorate('isUnderPressure', isUnderPressure)
  if (!fastify.hasDecorator('memoryUsage')) fastify.decorate('memoryUsage', memoryUsage)
}

/** Interval mode, because cumulative utilization averages since boot and reacts after minutes. */
function withDefaults (options: UnderPressureOptions, gate: PluginGate, loopDelay: () => number): UnderPressureOptions {
  const own: UnderPressureOptions = {
    eventLoopUtilizationMode: 'interval',
    maxEventLoopUtilization: UTILIZATION_LIMIT,
    retryAfter: RETRY_AFTER_SECONDS,
    ...options
  }
  return { pressureHandler: refuse(own, gate, options.maxEventLoopUtilization === undefined ? loopDelay : () => Infinity), ...own }
}

/** Answers as under-pressure does and counts it, except that utilization alone is no reason while the loop does not wait. */
function refuse ({ retryAfter = RETRY_AFTER_SECONDS, customError, message }: UnderPressureOptions, gate: PluginGate, loopDelay: () => number): NonNullable<UnderPressureOptions['pressureHandler']> {
  const Refusal = typeof customError === 'function' ? customError : ShedError
  return (_request: FastifyRequest, reply: FastifyReply, reason: string): void => {
    if (reason === underPressure.TYPE_EVENT_LOOP_UTILIZATION && loopDelay() < BUSY_LOOP_DELAY) return
    gate.countShed()
    const error = new Refusal()
    if (message !== undefined) error.message = message
    reply.code(503).header('retry-after', retryAfter)
    // under-pressure sends what its handler returns, although its types say that it returns nothing.
    return error as unknown as undefined
  }
}
