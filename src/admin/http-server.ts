// A Fastify app on a server of its own with narrow limits, so that nobody who may connect can take much from the primary.
import http from 'node:http'
import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'

const LIMITS = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 10_000
}
const BODY_LIMIT = 4_096
const MAX_CONNECTIONS = 128
const MAX_REQUESTS_PER_CONNECTION = 10_000
// How long a stop waits for answers on their way, in ms.
const LAST_ANSWERS = 1_000

export interface AdminHttp {
  readonly app: FastifyInstance
  /** Not listening yet. */
  readonly server: http.Server
  readonly close: () => Promise<void>
}

/**
 * @param onError is told what no request is to blame for, too many open files for one: it must not end the primary
 */
export function createAdminHttp (onError: (error: Error) => void): AdminHttp {
  let server: http.Server | undefined
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: 20 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    serverFactory: handler => (server = http.createServer(LIMITS, handler))
  })
  const own = server ?? http.createServer(LIMITS)
  // Why it cannot listen is told to who asked it to.
  own.on('error', error => { if (own.listening) onError(error) })
  own.maxConnections = MAX_CONNECTIONS
  own.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION
  app.removeContentTypeParser('text/plain')
  return { app, server: own, close: () => closeWithin(app, own) }
}

async function closeWithin (app: FastifyInstance, server: http.Server): Promise<void> {
  const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
  const late = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS)
  await closed
  clearTimeout(late)
  await app.close()
}
