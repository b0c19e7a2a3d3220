// Shared accept: the primary binds the sockets and holds them open, the workers accept from them, and the kernel's backlog is the one queue.
import dns from 'node:dns/promises'
import { chmodSync, statSync } from 'node:fs'
import { addressOfHandle, bindHandle } from '../node-internals.ts'
import type { SocketHandle } from '../node-internals.ts'
import type { ListenTarget } from '../options/types.ts'
import type { BoundAddress, ListenGrant } from '../protocol.ts'
import type { Listener } from './listener.ts'

interface BoundSocket { readonly handle: SocketHandle, readonly address: BoundAddress }

/**
 * @throws the system's error when the address cannot be bound (EADDRINUSE, EACCES, ENOTFOUND, …)
 */
export async function bindForKernel (target: ListenTarget): Promise<Listener> {
  const sockets = target.path === undefined ? await bindTcp(target) : [bindUnix(target.path, target)]
  return {
    addresses: sockets.map(({ address }) => address),
    grant (index) {
      const socket = sockets[index]
      if (socket === undefined) return { body: { kind: 'native' } satisfies ListenGrant }
      const body: ListenGrant = { kind: 'handle', address: socket.address, more: index + 1 < sockets.length }
      // A raw handle is more than the types of SendHandle name; Node sends it as `net.Native`.
      return { body, handle: socket.handle as never }
    },
    close () {
      for (const { handle } of sockets.splice(0)) handle.close()
    }
  }
}

/** As Fastify listens: all addresses of `localhost`, the first of any other name; a second address that cannot be bound is left out. */
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
