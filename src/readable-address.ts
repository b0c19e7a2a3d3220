// How a bound address is written for people.
import type { BoundAddress } from './protocol.ts'

/** `127.0.0.1:3000`, `[::1]:3000`, or the path of a Unix socket. */
export function readableAddress (address: BoundAddress): string {
  if (typeof address === 'string') return address
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`
}
