// A worker that rests keeps no idle connections: their next requests are for one that is fit.
import type { Giver } from '../handoff/give.ts'

// Those that had a request when the rest began, or that the primary did not take, go later; in ms.
const GIVE_EVERY = 200

/** From `true` to `false` whatever is idle is given away, again and again. */
export function createResting (giver: () => Pick<Giver, 'give'> | undefined): (rests: boolean) => void {
  let timer: NodeJS.Timeout | undefined
  let current: object | undefined

  const give = async (rest: object): Promise<void> => {
    await giver()?.give()
    if (current === rest) timer = setTimeout(() => { void give(rest) }, GIVE_EVERY).unref()
  }

  return rests => {
    clearTimeout(timer)
    current = rests ? {} : undefined
    if (current !== undefined) void give(current)
  }
}
