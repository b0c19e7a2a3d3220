// The primary's own structured log, made by Fastify's logger factory so that it is the same pino with the same options.
import { fastify } from 'fastify'
import type { FastifyBaseLogger } from 'fastify'
import type { ResolvedOptions } from '../options/types.ts'

export type PrimaryLog = Pick<FastifyBaseLogger, 'fatal' | 'error' | 'warn' | 'info' | 'debug'>

export function createPrimaryLog (logger: ResolvedOptions['logger']): PrimaryLog {
  if (isInstance(logger)) return logger.child({ name: 'fastify-clusterize' })
  // Without pino's own pid and hostname: `pid` in these lines is the worker's.
  return fastify({ logger: logger === true ? { name: 'fastify-clusterize', base: {} } : logger }).log
}

function isInstance (logger: ResolvedOptions['logger']): logger is FastifyBaseLogger {
  return typeof logger === 'object' && 'child' in logger && typeof logger.child === 'function'
}
