// What the processes say to one another while a connection moves: give, held, take, took.

/** Worker to primary, with the connection's handle: may this one go to somebody else? */
export interface HandoffGive { type: 'handoff-give', id: number }

/**
 * Primary to worker: answers a give. Once held, the giver closes its copy; refused, it serves the connection again.
 * The primary passes a connection on only after this has left for the giver: a giver that loses its primary without it is still the only owner.
 */
export interface HandoffHeld { type: 'handoff-held', id: number, held: boolean }

/** Primary to worker, with the connection's handle: serve it. `head` is what was already read from it, in base64; `fresh` where no server has had it yet, so that its first request is due. */
export interface HandoffTake { type: 'handoff-take', id: number, head?: string, fresh?: true }

/**
 * Worker to primary: answers a take. Sent before the first byte is read, so what was not taken was not touched.
 * `ended`, where the primary counts connections: how many have ended here since the worker began. It rides along to save a message.
 */
export interface HandoffTook { type: 'handoff-took', id: number, taken: boolean, ended?: number }

export type HandoffToPrimary = HandoffGive | HandoffTook
export type HandoffToWorker = HandoffHeld | HandoffTake
