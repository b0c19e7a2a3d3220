// What the processes say to one another while a connection moves: give, held, take, and back where it was not wanted.

/** Worker to primary, with the connection's handle: may this one go to somebody else? */
export interface HandoffGive { type: 'handoff-give', id: number }

/**
 * Primary to worker: answers a give. Once held, the giver closes its copy; refused, it serves the connection again.
 * The primary passes a connection on only after this has left for the giver: a giver that loses its primary without it is still the only owner.
 */
export interface HandoffHeld { type: 'handoff-held', id: number, held: boolean }

/** What goes with a connection's handle: `head` is what was already read from it, a character for each byte (latin1); `fresh` where no server has had it yet, so that its first request is due; `refused` are the primary's numbers of those who could not take it. */
export interface Carried { head?: string, fresh?: true, refused?: number[] }

/** Primary to worker, with the connection's handle: serve it. That it was received is Node's to tell. */
export interface HandoffTake extends Carried { type: 'handoff-take' }

/** Worker to primary, with the handle of a take: it does not serve any more, and has not touched it. */
export interface HandoffBack extends Carried { type: 'handoff-back' }

export type HandoffToPrimary = HandoffGive | HandoffBack
export type HandoffToWorker = HandoffHeld | HandoffTake
