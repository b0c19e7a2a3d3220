// Gets what a cluster listens on: sockets that a service manager opened for it, TCP addresses as Fastify would choose them, or a Unix socket.
import dns from 'node:dns/promises'
import { chmodSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { addressOfHandle, bindHandle, inheritHandle } from '../node-internals.ts'
import type { SocketHandle } from '../node-internals.ts'
import type { ListenTarget } from '../options/types.ts'
import type { BoundAddress } from '../protocol.ts'

export interface BoundSocket { readonly handle: SocketHandle, readonly address: BoundAddress }

/**
 * @param inherited file descriptors that take the place of what `target` names
 * @throws the system's error when the address cannot be bound (EADDRINUSE, EACCES, ENOTFOUND, …)
 */
export async function bindSockets (target: ListenTarget, inherited: readonly number[]): Promise<BoundSocket[]> {
  if (inherited.length > 0) return inherited.map(inherit)
  return target.path === undefined ? bindTcp(target) : [bindUnix(target.path, target)]
}

/** All addresses of `localhost`, the first of any other name; a second address that cannot be bound is left out. */
async function bindTcp ({ host, port, ipv6Only }: ListenTarget): Promise<BoundSocket[]> {
  const found = await dns.lookup(host, { all: true })
  const [first, ...others] = host === 'localhost' ? found : found.slice(0, 1)
  if (first === undefined) throw new Error(`host "${host}" has no address`)
  const main = bindOne(first.address, port, ipv6Only)
  const samePort = typeof main.address === 'string' ? port : main.address.port
  return [main, ...others.flatMap(({ address }) => bindIfPossible(address, samePort, ipv6Only))]
}

function bindOne (address: string, port: number, ipv6Only: boolean): BoundSocket {
  const handle = bindHandle({ address, port, ipv6Only })
  return { handle, address: addressOfHandle(handle) }
}

function bindIfPossible (address: string, port: number, ipv6Only: boolean): BoundSocket[] {
  try {
    return [bindOne(address, port, ipv6Only)]
  } catch {
    // A machine without IPv6 still resolves localhost to ::1.
    return []
  }
}

function bindUnix (path: string, { readableAll, writableAll }: ListenTarget): BoundSocket {
  const handle = bindHandle({ path })
  const extra = (readableAll ? 0o444 : 0) | (writableAll ? 0o222 : 0)
  if (extra !== 0) chmodSync(path, statSync(path).mode | extra)
  return { handle, address: path }
}

function inherit (fd: number): BoundSocket {
  const handle = inheritHandle(fd)
  return { handle, address: typeof handle.getsockname === 'function' ? addressOfHandle(handle) : unixPathOf(fd) }
}

/** Node tells no path for a Unix socket that it did not bind; Linux lists it by the socket's inode. */
function unixPathOf (fd: number): string {
  const inode = /\d+/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[0]
  const [, path] = new RegExp(` ${inode} (.+)$`, 'm').exec(readFileSync('/proc/net/unix', 'utf8')) ?? []
  return path ?? `file descriptor ${fd}`
}
