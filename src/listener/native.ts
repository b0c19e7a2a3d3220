// Node's own ways: the workers call listen and node:cluster shares the socket, round robin through the primary or by shared accept.
import { createHandover } from './handover.ts'
import type { Listener, ListenerParts } from './listener.ts'

export function createNativeListener ({ workers }: ListenerParts): Listener {
  return {
    ...createHandover(workers),
    addresses: [],
    grant: () => ({ body: { kind: 'native' } }),
    drain: async () => {}
  }
}
