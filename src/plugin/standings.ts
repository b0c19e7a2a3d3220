// Tells what a request is to the shedder: by the user's function, by its route's config, or as a health route.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { checkOptions } from '../options/check.ts'
import type { ResolvedShedding, RouteSheddingOptions } from '../options/plugin-types.ts'
import { routeExpectations } from '../options/resolve-plugin.ts'
import { routeConfig } from '../route-config.ts'
import { PRIORITIES } from '../shedding/priorities.ts'
import type { Priority, Standing } from '../shedding/priorities.ts'

export type StandingOf = (request: FastifyRequest) => Standing

type Setting = RouteSheddingOptions | undefined

/** What the routes of an app say of themselves. */
export interface RouteSettings {
  /** Of the route with exactly this URL; undefined where there is none, as where a parameter is part of it. */
  readonly find: (method: string, url: string) => { readonly clusterize: Setting, readonly url: string } | undefined
}

/** A route with a wrong setting is an error when it is declared, not under overload. */
export function watchRoutes (app: FastifyInstance): RouteSettings {
  const found = new Map<string, { readonly clusterize: Setting, readonly url: string }>()
  app.addHook('onRoute', ({ method, url, config }) => {
    const clusterize = config?.clusterize
    if (clusterize !== undefined) checkOptions(clusterize, routeExpectations, `config.clusterize of ${String(method)} ${url}`)
    for (const one of [method].flat()) found.set(`${one} ${url}`, { clusterize, url })
  })
  return { find: (method, url) => found.get(`${method} ${url}`) }
}

/** Asked for each request while the loop is busy, so it allocates nothing. */
export function createStandings (app: FastifyInstance, { classify, healthRoutes }: Pick<ResolvedShedding, 'classify' | 'healthRoutes'>, routes: RouteSettings): StandingOf {
  const health = new Set(healthRoutes)
  let told = false

  /** A classifier that fails costs no request, and is told of once: it is asked when there is least time. */
  function classified (request: FastifyRequest, otherwise: Priority): Priority {
    try {
      const priority = classify?.(request) ?? otherwise
      if (PRIORITIES.includes(priority)) return priority
      tell(new TypeError(`shedding.classify returned ${String(priority)}`))
    } catch (error) {
      tell(error)
    }
    return otherwise
  }

  function tell (err: unknown): void {
    if (told) return
    told = true
    app.log.error({ err }, 'shedding.classify failed: the priority of the route counts')
  }

  return request => {
    // The route of an unknown URL has no url.
    const { clusterize, url } = settingOf(request, routes)
    if (clusterize?.shed === false || (url !== undefined && health.has(url))) return 'exempt'
    const priority = clusterize?.priority ?? 'normal'
    return classify === undefined ? priority : classified(request, priority)
  }
}

const UNKNOWN_TARGET: { readonly clusterize: RouteSheddingOptions, readonly url?: string } = { clusterize: { priority: 'critical' } }

/** A browser whose preflight is refused never sends what it asks for, so where the preflight's own route says nothing it matters as much as that does. */
function settingOf (request: FastifyRequest, routes: RouteSettings): { readonly clusterize?: Setting, readonly url?: string | undefined } {
  const own = routeConfig(request)
  if (request.method !== 'OPTIONS' || own.clusterize !== undefined) return own
  const asked = request.headers['access-control-request-method']
  if (asked === undefined) return own
  const [path = ''] = request.url.split('?', 1)
  return routes.find(asked, path) ?? UNKNOWN_TARGET
}
