// Node's own ways: the workers call listen and node:cluster shares the socket, round robin through the primary or by shared accept.
import type { Listener } from './listener.ts'

export const nativeListener: Listener = {
  addresses: [],
  grant: () => ({ body: { kind: 'native' } }),
  close: () => {}
}
