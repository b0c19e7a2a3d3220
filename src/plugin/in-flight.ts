// The requests in flight. Each response remembers its place among them: a Map would cost more than the rest of the gate together.
import type { FastifyReply } from 'fastify'
import { createPlaces } from '../places.ts'

const PLACE = Symbol('fastify-clusterize.place')
const NONE = -1
/** What `remove` returns for a response that is not, or no longer, in flight. */
export const NOT_IN_FLIGHT = -1

type Response = object & { [PLACE]?: number }

export interface InFlight {
  readonly size: () => number
  readonly add: (response: object, reply: FastifyReply, at: number, begunAt: number) => void
  /** Undefined where it is not, or no longer, in flight. */
  readonly replyOf: (response: object) => FastifyReply | undefined
  /** What it was added with last, or NaN. */
  readonly begunAt: (response: object) => number
  /** What it was added with, or NOT_IN_FLIGHT. */
  readonly remove: (response: object) => number
  /** In no particular order. */
  readonly all: () => FastifyReply[]
}

export function createInFlight (): InFlight {
  const places = createPlaces<FastifyReply>()
  // Numbers of their own array are kept as they are; on the response each would be boxed.
  const times: number[] = []
  const begun: number[] = []
  return {
    size: places.size,
    add (response: Response, reply, at, begunAt) {
      const place = places.add(reply)
      times[place] = at
      begun[place] = begunAt
      response[PLACE] = place
    },
    replyOf: (response: Response) => places.at(response[PLACE] ?? NONE),
    begunAt: (response: Response) => begun[response[PLACE] ?? NONE] ?? NaN,
    remove (response: Response) {
      const place = response[PLACE] ?? NONE
      if (place === NONE) return NOT_IN_FLIGHT
      response[PLACE] = NONE
      places.remove(place)
      return times[place] ?? NaN
    },
    all: places.all
  }
}
