// The options of the Fastify plugin.
import type { FastifyUnderPressureOptions } from '@fastify/under-pressure'
import type { FastifyRequest } from 'fastify'
import type { Priority } from '../shedding/priorities.ts'

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

/** When requests are shed: answered 503 at once, so that those that are served are served in time. Times in ms. */
export interface SheddingOptions {
  /**
   * How long requests may wait for the event loop before they begin; what is critical 1.25 of it, what is sheddable 0.75.
   * `false`: they do not wait here, and the event loop is no reason to shed.
   *
   * @default 100
   */
  maxQueueDelay?: number | false
  /**
   * Requests a worker may have in flight. `'adaptive'` learns how many what is behind the app can bear.
   * `'normal'` requests get nine tenths of it and `'sheddable'` ones three quarters: the last places are kept for what matters more.
   *
   * @default false
   */
  maxInFlight?: number | 'adaptive' | false
  /**
   * How much a request matters, where its route does not tell: by a header, a tenant. `undefined` leaves it to the route.
   * Called in the first hook, so that nothing is parsed yet, and only while the worker has more to do than it can.
   */
  classify?: ((request: FastifyRequest) => Priority | undefined) | undefined
  /**
   * Header of a shed answer that tells why; `true` is `x-shed-reason`.
   *
   * @default false
   */
  reasonHeader?: string | boolean
  /**
   * URLs of routes that are never shed, as they are declared, with their prefix.
   *
   * @default ['/health', '/healthz', '/livez', '/readyz']
   */
  healthRoutes?: readonly string[]
}

/** What a route tells of itself in `config: { clusterize: { … } }`. */
export interface RouteSheddingOptions {
  /**
   * What is `'sheddable'` is shed first, what is `'critical'` last.
   *
   * @default 'normal'
   */
  priority?: Priority
  /**
   * `false`: requests of this route are never shed, and do not count as in flight.
   *
   * @default true
   */
  shed?: boolean
}

/** URLs of the health routes; `false` leaves one out. */
export interface HealthRouteOptions {
  /**
   * 200 while the worker answers.
   *
   * @default '/livez'
   */
  live?: string | false
  /**
   * 200 while the worker wants traffic, else 503.
   *
   * @default '/readyz'
   */
  ready?: string | false
}

export type ResolvedHealthRoutes = Readonly<Required<HealthRouteOptions>>

/** What is needed of a `Registry` of `prom-client`. */
export interface AppRegistry { readonly getMetricsAsJSON: () => Promise<unknown> }

/** Options of the plugin `fastify-clusterize`. */
export interface FastifyClusterizeOptions {
  /**
   * Headers on each response, or `false` for none.
   * @default { id: 'x-worker-id' }
   */
  headers?: false | HeaderOptions
  /**
   * Passed to `@fastify/under-pressure`; `false` leaves it out. An app that registers it itself keeps its own.
   * @default { eventLoopUtilizationMode: 'interval' }, which sheds nothing; with `shedding: false` also maxEventLoopUtilization: 0.98, and utilization alone sheds only while the loop's mean delay is above 50 ms
   */
  underPressure?: false | FastifyUnderPressureOptions
  /**
   * Sheds requests that would wait too long; `false`: never.
   *
   * @default { maxQueueDelay: 100, maxInFlight: false }
   */
  shedding?: false | SheddingOptions
  /**
   * Health routes on the app's own port. They are never shed, and tell when a stop was ordered or the worker drains. `true`: with their usual URLs.
   *
   * @default false
   */
  health?: boolean | HealthRouteOptions
  /**
   * Registries of `prom-client` that the app fills. The metrics page of the admin server has their metrics, summed over the workers.
   *
   * @default none
   */
  registry?: AppRegistry | readonly AppRegistry[]
}

export type ResolvedShedding = Readonly<Required<Omit<SheddingOptions, 'reasonHeader'>>>

/** Plugin options with every default in place. */
export interface ResolvedPluginOptions {
  readonly headers: ReadonlyArray<readonly [kind: 'id' | 'pid' | 'generation', name: string]>
  readonly underPressure: false | FastifyUnderPressureOptions
  /** Where it is off, `maxQueueDelay` and `maxInFlight` are. */
  readonly shedding: ResolvedShedding
  /** The name of the header, or undefined. */
  readonly reasonHeader: string | undefined
  readonly registries: readonly AppRegistry[]
  readonly health: ResolvedHealthRoutes
}
