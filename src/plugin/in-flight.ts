// The requests in flight. Each response remembers its place in a list whose places are used again: a Map would cost more than the rest of the gate together.
import type { FastifyReply } from 'fastify'

const PLACE = Symbol('fastify-clusterize.place')
const NONE = -1

type Response = object & { [PLACE]?: number }

export interface InFlight {
  readonly size: () => number
  readonly add: (response: object, reply: FastifyReply) => void
  /** False where it is not, or no longer, in flight. */
  readonly remove: (response: object) => boolean
  /** In no particular order. */
  readonly all: () => FastifyReply[]
}

export function createInFlight (): InFlight {
  const places: Array<FastifyReply | undefined> = []
  const free: number[] = []
  return {
    size: () => places.length - free.length,
    add (response: Response, reply) {
      const place = free.pop() ?? places.length
      places[place] = reply
      response[PLACE] = place
    },
    remove (response: Response) {
      const place = response[PLACE] ?? NONE
      if (place === NONE) return false
      response[PLACE] = NONE
      places[place] = undefined
      free.push(place)
      return true
    },
    all: () => places.filter(reply => reply !== undefined)
  }
}
