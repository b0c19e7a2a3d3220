// Tells what a request is to the shedder: by the user's function, by its route's config, or as a health route.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { checkOptions } from '../options/check.ts'
import type { ResolvedShedding } from '../options/plugin-types.ts'
import { routeExpectations } from '../options/resolve-plugin.ts'
import { routeConfig } from '../route-config.ts'
import { PRIORITIES } from '../shedding/priorities.ts'
import type { Priority, Standing } from '../shedding/priorities.ts'

export type StandingOf = (request: FastifyRequest) => Standing

/** A route with a wrong setting is an error when it is declared, not under overload. */
export function checkRoutes (app: FastifyInstance): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.clusterize !== undefined) checkOptions(config.clusterize, routeExpectations, `config.clusterize of ${String(method)} ${url}`)
  })
}

/** Asked for each request while the loop is busy, so it allocates nothing. */
export function createStandings (app: FastifyInstance, { classify, healthRoutes }: Pick<ResolvedShedding, 'classify' | 'healthRoutes'>): StandingOf {
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
    const { clusterize, url } = routeConfig(request)
    if (clusterize?.shed === false || (url !== undefined && health.has(url))) return 'exempt'
    const priority = clusterize?.priority ?? 'normal'
    return classify === undefined ? priority : classified(request, priority)
  }
}
