// How much a request matters.

export type Priority = 'critical' | 'normal' | 'sheddable'

/** What the shedder asks of a request: how much it matters, or that it is never shed and never counted. */
export type Standing = Priority | 'exempt'

/** What matters most stands first. */
export const PRIORITIES: readonly Priority[] = ['critical', 'normal', 'sheddable']

/** One number for each priority. */
export type PerPriority = Record<Priority, number>
