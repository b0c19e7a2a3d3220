// How the admin server answers what fails: like Fastify, and with the error behind an error.
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance } from 'fastify'
import { serializeError } from '../errors.ts'
import type { AdminCluster } from './cluster.ts'

// Orders that came at the wrong moment, or ask for what cannot be.
const STATUS_OF: Readonly<Record<string, number>> = {
  FST_CLUSTERIZE_STOPPED: 409,
  FST_CLUSTERIZE_BOOTING: 409,
  FST_CLUSTERIZE_INVALID_OPTION: 400
}

export function answerErrors (app: FastifyInstance, cluster: AdminCluster): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const { code, statusCode: own = 500, message, cause } = error
    const statusCode = STATUS_OF[code] ?? own
    if (!String(code).startsWith('FST_') && statusCode >= 500) cluster.warn({ event: 'admin-failed', err: error }, 'the admin server failed to answer')
    if (statusCode === 401) void reply.header('www-authenticate', 'Bearer')
    if (statusCode === 429) void reply.header('retry-after', 1)
    return reply.code(statusCode).send({
      statusCode,
      ...code === undefined ? {} : { code },
      error: STATUS_CODES[statusCode] ?? 'Error',
      message,
      ...cause === undefined ? {} : { cause: serializeError(cause) }
    })
  })
}
