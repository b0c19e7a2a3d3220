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
    captureOnRequest(child, hook => gate.setPressureHook(hook))
    await child.register(underPressure, withDefaults(options, () => child.memoryUsage().eventLoopDelay))
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
  fastify.decorate('isUnderPressure', isUnderPressure)
  fastify.decorate('memoryUsage', memoryUsage)
}

/** Interval mode, because cumulative utilization averages since boot and reacts after minutes. */
function withDefaults (options: UnderPressureOptions, loopDelay: () => number): UnderPressureOptions {
  const own: UnderPressureOptions = {
    eventLoopUtilizationMode: 'interval',
    maxEventLoopUtilization: UTILIZATION_LIMIT,
    retryAfter: RETRY_AFTER_SECONDS,
    ...options.message === undefined ? { customError: ShedError } : {}
  }
  const answersItself = options.pressureHandler !== undefined || options.customError !== undefined || options.message !== undefined
  if (options.maxEventLoopUtilization === undefined && !answersItself) {
    own.pressureHandler = shedWhenWaiting(loopDelay, options.retryAfter ?? RETRY_AFTER_SECONDS)
  }
  return { ...own, ...options }
}

/** Answers as under-pressure does, except that utilization alone is no reason while the loop does not wait. */
function shedWhenWaiting (loopDelay: () => number, retryAfter: number) {
  return (_request: FastifyRequest, reply: FastifyReply, reason: string): void => {
    if (reason === underPressure.TYPE_EVENT_LOOP_UTILIZATION && loopDelay() < BUSY_LOOP_DELAY) return
    reply.code(503).header('retry-after', retryAfter)
    return new ShedError() as unknown as undefined
  }
}
