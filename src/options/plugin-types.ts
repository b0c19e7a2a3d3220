// The options of the Fastify plugin.
import type { FastifyUnderPressureOptions } from '@fastify/under-pressure'

/** Names of the response headers that tell who answered; `false` leaves one out, `true` takes its usual name. */
export interface HeaderOptions {
  /**
   * The worker's slot.
   * @default 'x-worker-id'
   */
  id?: string | boolean
  /**
   * The worker's process id; `true` is `x-worker-pid`.
   * @default false
   */
  pid?: string | boolean
  /**
   * The worker's generation; `true` is `x-worker-generation`.
   * @default false
   */
  generation?: string | boolean
}

/** Options of the plugin `fastify-clusterize`. */
export interface FastifyClusterizeOptions {
  /**
   * Headers on each response, or `false` for none.
   * @default { id: 'x-worker-id' }
   */
  headers?: false | HeaderOptions
  /**
   * Passed to `@fastify/under-pressure`; `false` leaves it out. An app that registers it itself keeps its own.
   * @default { maxEventLoopUtilization: 0.98, eventLoopUtilizationMode: 'interval', retryAfter: 2 }, and utilization alone sheds only while the loop's mean delay is above 50 ms
   */
  underPressure?: false | FastifyUnderPressureOptions
}

/** Plugin options with every default in place. */
export interface ResolvedPluginOptions {
  readonly headers: ReadonlyArray<readonly [kind: 'id' | 'pid' | 'generation', name: string]>
  readonly underPressure: false | FastifyUnderPressureOptions
}
