// Finds the config of the route that a request is for. Fastify puts all of a route's options together whenever `request.routeOptions` is asked for, so it is asked once.
import type { FastifyRequest } from 'fastify'

type RouteConfig = FastifyRequest['routeOptions']['config']
type WithRoute = Record<symbol, { readonly config?: RouteConfig } | undefined>

/** Under what the requests of this process hold their route, once one has been looked at; undefined where they do not. */
let found: { readonly symbol: symbol | undefined } | undefined

/** One object for each route; it has no `url` where no route matched. */
export function routeConfig (request: FastifyRequest): RouteConfig {
  found ??= { symbol: findSymbol(request) }
  // A second copy of Fastify in the process has a symbol of its own.
  const config = found.symbol === undefined ? undefined : (request as unknown as WithRoute)[found.symbol]?.config
  return config ?? request.routeOptions.config
}

/** Not by its name, which may change, but by what is there. */
function findSymbol (request: FastifyRequest): symbol | undefined {
  const { config } = request.routeOptions
  return Object.getOwnPropertySymbols(request).find(symbol => (request as unknown as WithRoute)[symbol]?.config === config)
}
