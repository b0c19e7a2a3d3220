// What every way of accepting connections offers the primary.
import type { Answer } from '../channel.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { BoundAddress } from '../protocol.ts'

export interface Listener {
  /** The public addresses; empty where they are known only once a worker listens. */
  readonly addresses: readonly BoundAddress[]
  /** Answers a worker that asks for its `index`-th listening socket. */
  grant: (index: number) => Answer
  /** Gives the sockets up. Idempotent. */
  close: () => void
}

export type OpenListener = (options: ResolvedOptions) => Promise<Listener>
