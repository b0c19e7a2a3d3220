// The Fastify plugin: identity, shedding and draining for one app, in a cluster or alone.
import fp from 'fastify-plugin'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { PluginTwiceError } from '../errors.ts'
import type { FastifyClusterizeOptions, RouteSheddingOptions } from '../options/plugin-types.ts'
import { resolvePluginOptions } from '../options/resolve-plugin.ts'
import type { WorkerInfo } from '../worker-info.ts'
import { installGate } from './gate.ts'
import { labelLog } from './label-log.ts'
import { registerUnderPressure } from './under-pressure.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Who this process is; set by the plugin `fastify-clusterize`. */
    worker: WorkerInfo
  }
  interface FastifyContextConfig {
    /** How this route is treated under overload by the plugin `fastify-clusterize`. */
    clusterize?: RouteSheddingOptions
  }
}

async function plugin (fastify: FastifyInstance, options: FastifyClusterizeOptions): Promise<void> {
  const resolved = resolvePluginOptions(options)
  const gate = installGate(fastify)
  if (gate.isConfigured()) throw new PluginTwiceError()
  const shedding = gate.configure(resolved)
  fastify.decorate('worker', gate.worker)
  labelLog(fastify.log, gate.identity)
  // Under clusterize() the drain comes first; alone, app.close() is what begins it.
  fastify.addHook('preClose', done => {
    gate.startDraining('every-connection')
    done()
  })
  if (resolved.underPressure !== false) await registerUnderPressure(fastify, { gate, shedding, options: resolved.underPressure, loopIsGuarded: resolved.shedding.maxQueueDelay !== false })
}

/**
 * Identity, shedding and draining for a Fastify app. Register it first, on the root instance.
 * What is answered without Fastify's hooks carries no identity header: `reply.raw`, requests that Node cannot parse,
 * URLs that Fastify cannot decode or whose parameters are too long, and the 503 of an app that is closing.
 *
 * @throws FST_CLUSTERIZE_PLUGIN_TWICE when the instance has it already
 * @throws FST_CLUSTERIZE_INVALID_OPTION, FST_CLUSTERIZE_UNKNOWN_OPTION
 * @example
 * await app.register(fastifyClusterize, { headers: { pid: true } })
 */
export const fastifyClusterize: FastifyPluginAsync<FastifyClusterizeOptions> = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-clusterize'
})
