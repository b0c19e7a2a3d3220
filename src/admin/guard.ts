// Refuses what a TCP client may not ask, before anything else of the request is looked at.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AdminBusyError, AdminForeignError, AdminTokenError } from '../errors.ts'
import type { AdminTcp } from '../options/admin-types.ts'
import { TOKEN_VARIABLE } from '../options/resolve-admin.ts'
import { isOwnHost, isOwnOrigin, isToken } from './access.ts'
import type { Access } from './access.ts'
import { createRateLimit } from './rate-limit.ts'

const RATE = { perSecond: 50, burst: 200, clients: 1_000 }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may ask for a route of the admin server. */
    access?: Access
  }
}

export function guardTcp (app: FastifyInstance, tcp: AdminTcp): void {
  const names = new Set(['localhost', tcp.host.toLowerCase(), ...tcp.hosts])
  // Each kind of asking by itself: who floods /status from a probe's address must not make the probe fail.
  const mayAsk = createRateLimit(RATE)
  app.addHook('onRequest', async request => {
    if (!mayAsk(`${accessOf(request)} ${request.ip}`, performance.now())) throw new AdminBusyError()
    checkPage(request.headers, names, 'list it in "admin.hosts"')
    checkToken(request, tcp)
  })
}

/** On the Unix socket file permissions say who may connect; a tunnel to it, or a proxy, must still not pass on what a foreign page asks. */
export function guardSocket (app: FastifyInstance): void {
  const names = new Set(['localhost'])
  app.addHook('onRequest', async ({ headers }) => checkPage(headers, names, 'ask for "localhost"'))
}

function checkPage ({ host, origin }: FastifyRequest['headers'], names: ReadonlySet<string>, advice: string): void {
  if (!isOwnHost(host, names)) throw new AdminForeignError(`"${host}" is not this server's name: ${advice}`)
  if (!isOwnOrigin(origin, host)) throw new AdminForeignError('the request is sent by a page of another site')
}

function checkToken (request: FastifyRequest, { token, guardReads }: AdminTcp): void {
  const access = accessOf(request)
  if (access === 'open' || (access === 'read' && !guardReads)) return
  if (token === undefined) throw new AdminTokenError(`orders by TCP need a token, and the cluster has none: set "admin.token" or ${TOKEN_VARIABLE}, or use the Unix socket`)
  if (!isToken(request.headers.authorization, token)) throw new AdminTokenError('this needs the header "Authorization: Bearer <token>" with the right token')
}

/** What no route answers is guarded like what is read. */
function accessOf (request: FastifyRequest): Access {
  return request.routeOptions.config.access ?? 'read'
}
