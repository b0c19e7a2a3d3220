// The 503 of a shed request, made ready before it is needed: under overload the cost of saying no bounds everything else.
import type { FastifyBaseLogger, FastifyReply } from 'fastify'
import { ShedError } from '../errors.ts'
import type { ShedReason } from '../shedding/shed-counts.ts'

type RawHeaders = readonly string[]

const { statusCode, code, message } = new ShedError()
export const SHED_STATUS: number = statusCode ?? 503
const BODY = Buffer.from(JSON.stringify({ statusCode, code, error: 'Service Unavailable', message }))

/** What a reply logs is lost: Fastify would write a line for each shed request, and the log tells of them as a rate. */
const nothing = (): void => {}
const SILENT: FastifyBaseLogger = { level: 'silent', fatal: nothing, error: nothing, warn: nothing, info: nothing, debug: nothing, trace: nothing, silent: nothing, child: () => SILENT }

/** Writes the answer past Fastify's own way: no hook, serializer or error handler of the app runs, and nothing is allocated but by Node. */
export type ShedAnswer = (reply: FastifyReply, reason: ShedReason, retryAfter: number) => void

export function createShedAnswer (headers: () => ReadonlyArray<readonly [name: string, value: string]>, reasonHeader: string | undefined): ShedAnswer {
  const always = ['content-type', 'application/json; charset=utf-8', 'content-length', String(BODY.length)]
  const made = new Map<ShedReason | 'any', RawHeaders[]>()

  function headersFor (reason: ShedReason, retryAfter: number): RawHeaders {
    const kind = reasonHeader === undefined ? 'any' : reason
    let bySeconds = made.get(kind)
    if (bySeconds === undefined) made.set(kind, bySeconds = [])
    return bySeconds[retryAfter] ??= [...always, ...headers().flat(), 'retry-after', String(retryAfter), ...reasonHeader === undefined ? [] : [reasonHeader, reason]]
  }

  return (reply, reason, retryAfter) => {
    reply.log = SILENT
    reply.hijack().raw.writeHead(SHED_STATUS, headersFor(reason, retryAfter) as string[]).end(BODY)
  }
}
