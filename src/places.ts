// What belongs to each of many objects, in a list whose places are used again: the object remembers its own. A Map or Set costs more, and its tables, replaced as objects come and go, keep those that left alive until the next full collection.

const PLACE = Symbol('fastify-clusterize.place')
/** The place of an object that has none, or none any more. */
export const NOWHERE = -1

type Owner = object & { [PLACE]?: number }

/** An object may have a place in one list at a time. */
export interface Places<T> {
  readonly size: () => number
  /** Returns the place that `owner` has until it is removed. */
  readonly add: (owner: object, member: T) => number
  /** What it was added with; undefined where it has no place. */
  readonly of: (owner: object) => T | undefined
  readonly placeOf: (owner: object) => number
  /** Returns the place that it had. */
  readonly remove: (owner: object) => number
  /** In no particular order. */
  readonly all: () => T[]
}

export function createPlaces<T extends object> (): Places<T> {
  const places: Array<T | undefined> = []
  const free: number[] = []
  return {
    size: () => places.length - free.length,
    add (owner: Owner, member) {
      const place = free.pop() ?? places.length
      places[place] = member
      owner[PLACE] = place
      return place
    },
    of: (owner: Owner) => places[owner[PLACE] ?? NOWHERE],
    placeOf: (owner: Owner) => owner[PLACE] ?? NOWHERE,
    remove (owner: Owner) {
      const place = owner[PLACE] ?? NOWHERE
      if (place === NOWHERE) return NOWHERE
      owner[PLACE] = NOWHERE
      places[place] = undefined
      free.push(place)
      return place
    },
    all: () => places.filter(member => member !== undefined)
  }
}
