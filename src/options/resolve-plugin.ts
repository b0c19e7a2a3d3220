// Resolves the options of the plugin once: checked, with every default in place, frozen.
import { PRIORITIES } from '../shedding/priorities.ts'
import { anyObject, boolean, callable, checkOptions, either, given, group, listOf, oneOf, whole } from './check.ts'
import type { Expectation, Expectations } from './check.ts'
import type { FastifyClusterizeOptions, HeaderOptions, ResolvedPluginOptions, RouteSheddingOptions, SheddingOptions } from './plugin-types.ts'

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const USUAL_NAMES = { id: 'x-worker-id', pid: 'x-worker-pid', generation: 'x-worker-generation' } as const

const header: Expectation = either(boolean, {
  expected: 'a header name',
  accepts: value => typeof value === 'string' && HEADER_NAME.test(value)
})

const MAX_QUEUE_DELAY = { least: 5, most: 60_000 }
const MAX_IN_FLIGHT = 1_000_000
const DEFAULTS = { maxQueueDelay: 100, maxInFlight: false, classify: undefined, reasonHeader: false, healthRoutes: ['/health', '/healthz', '/livez', '/readyz'] } as const satisfies SheddingOptions
/** What `shedding: false` stands for: health routes and the rest count for the limits of under-pressure. */
const OFF: SheddingOptions = { maxQueueDelay: false, maxInFlight: false }
const REASON_HEADER = 'x-shed-reason'

const HEALTH_ROUTES = { live: '/livez', ready: '/readyz' } as const

const healthRoute: Expectation = either(oneOf(false), { expected: 'a URL that begins with "/"', accepts: value => typeof value === 'string' && value.startsWith('/') })

const registry: Expectation = {
  expected: 'a Registry of prom-client',
  accepts: value => typeof value === 'object' && value !== null && 'getMetricsAsJSON' in value && typeof value.getMetricsAsJSON === 'function'
}

const sheddingExpectations: Expectations & Record<keyof SheddingOptions, Expectation> = {
  maxQueueDelay: either(oneOf(false), {
    expected: `a number of milliseconds from ${MAX_QUEUE_DELAY.least} to ${MAX_QUEUE_DELAY.most}`,
    accepts: value => typeof value === 'number' && value >= MAX_QUEUE_DELAY.least && value <= MAX_QUEUE_DELAY.most
  }),
  maxInFlight: either(oneOf(false, 'adaptive'), whole(1, MAX_IN_FLIGHT)),
  classify: callable,
  reasonHeader: header,
  healthRoutes: {
    expected: 'a list of URLs that begin with "/"',
    accepts: value => Array.isArray(value) && value.every(url => typeof url === 'string' && url.startsWith('/'))
  }
}

export const routeExpectations: Expectations & Record<keyof RouteSheddingOptions, Expectation> = {
  priority: oneOf(...PRIORITIES),
  shed: boolean
}

export const pluginExpectations: Expectations & Record<keyof FastifyClusterizeOptions, Expectation> = {
  headers: either(oneOf(false), group({ id: header, pid: header, generation: header })),
  underPressure: either(oneOf(false), anyObject),
  shedding: either(oneOf(false), group(sheddingExpectations)),
  health: either(boolean, group({ live: healthRoute, ready: healthRoute })),
  registry: either(registry, listOf(registry))
}

/**
 * @throws FST_CLUSTERIZE_UNKNOWN_OPTION, FST_CLUSTERIZE_INVALID_OPTION
 */
export function resolvePluginOptions (options: FastifyClusterizeOptions): ResolvedPluginOptions {
  checkOptions(options, pluginExpectations)
  const { reasonHeader, ...shedding } = { ...DEFAULTS, ...given(options.shedding === false ? OFF : options.shedding) }
  return Object.freeze({
    headers: options.headers === false ? [] : headerNames({ id: true, pid: false, generation: false, ...given(options.headers) }),
    underPressure: options.underPressure === false ? false : given(options.underPressure),
    shedding: Object.freeze(shedding),
    health: Object.freeze(options.health === undefined || options.health === false ? { live: false, ready: false } : { ...HEALTH_ROUTES, ...options.health === true ? {} : given(options.health) }),
    registries: Object.freeze(options.registry === undefined ? [] : [options.registry].flat()),
    reasonHeader: reasonHeader === false ? undefined : reasonHeader === true ? REASON_HEADER : reasonHeader.toLowerCase()
  })
}

function headerNames (wanted: Required<HeaderOptions>): ResolvedPluginOptions['headers'] {
  const kinds = ['id', 'pid', 'generation'] as const
  return kinds.flatMap(kind => {
    const name = wanted[kind]
    if (name === false) return []
    return [[kind, name === true ? USUAL_NAMES[kind] : name.toLowerCase()] as const]
  })
}
