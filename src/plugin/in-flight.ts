// The requests in flight, by their response. A Map would cost more than the rest of the gate together.
import type { FastifyReply } from 'fastify'
import { createPlaces, NOWHERE } from '../places.ts'

/** What `remove` returns for a response that is not, or no longer, in flight. */
export const NOT_IN_FLIGHT = -1

export interface InFlight {
  readonly size: () => number
  readonly add: (response: object, reply: FastifyReply, at: number, begunAt: number) => void
  /** The first of the times it was added with, or NaN where it is not in flight. */
  readonly admittedAt: (response: object) => number
  /** Changes that. Not to be called where it is not in flight. */
  readonly goesOn: (response: object, at: number) => void
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
    add (response, reply, at, begunAt) {
      const place = places.add(response, reply)
      times[place] = at
      begun[place] = begunAt
    },
    admittedAt: response => times[places.placeOf(response)] ?? NaN,
    goesOn (response, at) { times[places.placeOf(response)] = at },
    replyOf: places.of,
    begunAt: response => begun[places.placeOf(response)] ?? NaN,
    remove (response) {
      const place = places.remove(response)
      return place === NOWHERE ? NOT_IN_FLIGHT : times[place] ?? NaN
    },
    all: places.all
  }
}
