// Requests that wait for the event loop: what matters most goes first, and of the same priority what came first. Pure.
import { PRIORITIES } from './priorities.ts'
import type { PerPriority, Priority } from './priorities.ts'

const LEAST_FIRST = PRIORITIES.toReversed()

export interface Waiting<Item> {
  readonly item: Item
  readonly priority: Priority
  /** When it joined, in ms. */
  readonly joined: number
  /** How long it had waited before it was seen, in ms. */
  readonly waited: number
}

export interface AdmissionQueue<Item> {
  readonly size: () => number
  readonly join: (waiting: Waiting<Item>) => void
  /** How many go before one of this priority that joins now, if nobody else does. */
  readonly ahead: (priority: Priority) => number
  /** Takes the one whose turn it is. */
  readonly next: () => Waiting<Item> | undefined
  /** Takes one that has been here for longer than its priority may, in ms: of those the one that matters least. */
  readonly overdue: (now: number, limits: Readonly<PerPriority>) => Waiting<Item> | undefined
  /** Forgets all for which it is true. */
  readonly forget: (isGone: (item: Item) => boolean) => void
}

export function createAdmissionQueue<Item> (): AdmissionQueue<Item> {
  const lines: Record<Priority, Array<Waiting<Item>>> = { critical: [], normal: [], sheddable: [] }
  return {
    size: () => lines.critical.length + lines.normal.length + lines.sheddable.length,
    join (waiting) { lines[waiting.priority].push(waiting) },
    ahead (priority) {
      let count = 0
      for (const one of PRIORITIES) {
        count += lines[one].length
        if (one === priority) break
      }
      return count
    },
    next: () => lines.critical.shift() ?? lines.normal.shift() ?? lines.sheddable.shift(),
    overdue (now, limits) {
      for (const priority of LEAST_FIRST) {
        const [first] = lines[priority]
        if (first !== undefined && now - first.joined > limits[priority]) return lines[priority].shift()
      }
      return undefined
    },
    forget (isGone) {
      for (const priority of PRIORITIES) lines[priority] = lines[priority].filter(({ item }) => !isGone(item))
    }
  }
}
