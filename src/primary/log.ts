// The primary's own structured log, made by Fastify's logger factory so that it is the same pino with the same options.
// Lines carry `event`, where it applies `slot`, `pid`, `generation`, `reason`, `ms`, and few fields of a single event's own.
import { fastify } from 'fastify'
import type { FastifyBaseLogger } from 'fastify'
import { surviveBrokenLog } from '../broken-output.ts'
import type { ResolvedOptions } from '../options/types.ts'
import { prettyStdout } from '../pretty-lines.ts'

export type PrimaryLog = Pick<FastifyBaseLogger, 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'level'>

export function createPrimaryLog (logger: ResolvedOptions['logger']): PrimaryLog {
  const log = isInstance(logger) ? logger.child({ name: 'fastify-clusterize' }) : create(logger)
  surviveBrokenLog(log)
  return log
}

function create (logger: Exclude<ResolvedOptions['logger'], FastifyBaseLogger>): FastifyBaseLogger {
  // Without pino's own pid and hostname: `pid` in these lines is the worker's.
  return fastify({ logger: logger === true ? { name: 'fastify-clusterize', base: {}, ...prettily() } : logger }).log
}

function prettily (): { stream?: { write: (line: string) => void } } {
  const stream = prettyStdout()
  return stream === undefined ? {} : { stream }
}

function isInstance (logger: ResolvedOptions['logger']): logger is FastifyBaseLogger {
  return typeof logger === 'object' && 'child' in logger && typeof logger.child === 'function'
}
