// Keeps slow clients from the places of the limit: a request has one while the app has work with it, not while its body is awaited, nor while its answer is read.
import type { FastifyReply } from 'fastify'
import type { InFlight } from './in-flight.ts'
import type { Shedding } from './shedding.ts'

/** In place of the time a request was admitted at. */
export const AWAITS_BODY: number = Infinity
/** Fastify reads no body of theirs. */
const BODYLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'TRACE'])

type Response = FastifyReply['raw']

export interface LimitPlaces {
  /** It was admitted just now, and may have a place. */
  readonly hold: (reply: FastifyReply) => void
  /** Its handler is about to begin. False where others have taken all places while its body was awaited. */
  readonly resume: (reply: FastifyReply) => boolean
  /** It has ended, whatever became of it. */
  readonly forget: (response: Response) => void
}

export function createLimitPlaces (inFlight: InFlight, shedding: Pick<Shedding, 'freed' | 'paused' | 'resumes' | 'admittedAt'>): LimitPlaces {
  /** Those that may have a body and whose handler has not begun. */
  const preparing = new Set<Response>()

  function hasPlace (response: Response): boolean {
    return Number.isFinite(inFlight.admittedAt(response))
  }

  function free (response: Response): void {
    if (!hasPlace(response)) return
    const admittedAt = inFlight.admittedAt(response)
    inFlight.goesOn(response, NaN)
    shedding.freed(admittedAt)
  }

  /** Most bodies come with their heads, and are there at the end of the turn. */
  function pause (reply: FastifyReply): void {
    const { raw, request, sent } = reply
    if (sent || request.raw.complete || !preparing.has(raw) || !hasPlace(raw)) return
    inFlight.goesOn(raw, AWAITS_BODY)
    shedding.paused()
  }

  return {
    hold (reply) {
      if (!hasPlace(reply.raw)) return
      afterEnd(reply.raw, free)
      if (BODYLESS.has(reply.request.method)) return
      preparing.add(reply.raw)
      setImmediate(pause, reply)
    },
    resume ({ raw, request }) {
      if (!preparing.delete(raw) || inFlight.admittedAt(raw) !== AWAITS_BODY) return true
      if (!shedding.resumes(request)) return false
      inFlight.goesOn(raw, shedding.admittedAt())
      return true
    },
    forget: response => { preparing.delete(response) }
  }
}

/** The event 'prefinish' would not do: behind others of a pipeline it comes once they have been read. */
function afterEnd (response: Response, ended: (response: Response) => void): void {
  const { end } = response as unknown as { readonly end: (...given: unknown[]) => Response }
  response.end = (...given: unknown[]) => {
    const result = Reflect.apply(end, response, given)
    ended(response)
    return result
  }
}
