// Takes the share to shed from what matters least, by how much of the traffic each priority is. Pure.

export type Priority = 'critical' | 'normal' | 'sheddable'

/** What the shedder asks of a request: how much it matters, or that it is never shed and never counted. */
export type Standing = Priority | 'exempt'

/** What is shed first stands first. */
export const PRIORITIES: readonly Priority[] = ['sheddable', 'normal', 'critical']

/** One number for each priority. */
export type PerPriority = Record<Priority, number>

/** How much the latest period counts in the mix; a period is short and may hold few requests. */
const WEIGHT = 0.1

/** The mix of the traffic with the requests of one more period in it. */
export function nextMix (mix: Readonly<PerPriority>, seen: Readonly<PerPriority>): PerPriority {
  const total = seen.critical + seen.normal + seen.sheddable
  if (total === 0) return mix
  const share = (priority: Priority): number => mix[priority] + WEIGHT * (seen[priority] / total - mix[priority])
  return { critical: share('critical'), normal: share('normal'), sheddable: share('sheddable') }
}

/**
 * The share of each priority's own requests to shed, so that together they are `share` of all. That queueing time decides how much and the
 * measured mix decides who is as in DAGOR (Zhou et al., "Overload Control for Scaling WeChat Microservices", 2018); it moves a threshold among many levels.
 */
export function spread (share: number, mix: Readonly<PerPriority>): PerPriority {
  const shares: PerPriority = { critical: 0, normal: 0, sheddable: 0 }
  let left = share
  for (const priority of PRIORITIES) {
    const taken = Math.min(left, mix[priority])
    // One of which nothing was seen yet is not shed; it shows in the mix a period later.
    if (mix[priority] > 0) shares[priority] = taken / mix[priority]
    left -= taken
  }
  return shares
}
