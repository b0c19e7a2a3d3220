// A list whose places are used again, each member to remember its own. A Map or Set costs more, and its tables, replaced as members come and go, keep those that left alive until the next full collection.

export interface Places<T> {
  readonly size: () => number
  /** Returns the place it has from now on. */
  readonly add: (member: T) => number
  readonly at: (place: number) => T | undefined
  /** The place must be taken. */
  readonly remove: (place: number) => void
  /** In no particular order. */
  readonly all: () => T[]
}

export function createPlaces<T extends object> (): Places<T> {
  const places: Array<T | undefined> = []
  const free: number[] = []
  return {
    size: () => places.length - free.length,
    add (member) {
      const place = free.pop() ?? places.length
      places[place] = member
      return place
    },
    at: place => places[place],
    remove (place) {
      places[place] = undefined
      free.push(place)
    },
    all: () => places.filter(member => member !== undefined)
  }
}
