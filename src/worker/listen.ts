// Makes an app listen where the primary says: on the sockets it sends, or natively.
import net from 'node:net'
import type { FastifyInstance } from 'fastify'
import { listenOnHandle } from '../node-internals.ts'
import type { SocketHandle } from '../node-internals.ts'
import type { ListenTarget } from '../options/types.ts'
import type { BoundAddress, ListenGrant } from '../protocol.ts'
import { removeAtExit } from './orphaned-socket.ts'

/** Asks whoever holds the sockets for the `index`-th one. */
export type AskForSocket = (index: number) => Promise<{ body: ListenGrant, handle: unknown }>

export interface Listening {
  readonly addresses: BoundAddress[]
  /** Servers beside the app's own that pass their connections to it. */
  readonly extraServers: net.Server[]
  /** How the servers got their sockets: `held` ones are copies of the primary's, in the order in which they were asked for. */
  readonly sockets: 'held' | 'private' | 'native'
}

interface HeldSocket { handle: SocketHandle, address: BoundAddress }

/**
 * @throws what `app.listen` throws, FST_CLUSTERIZE_IPC_CLOSED, FST_CLUSTERIZE_IPC_TIMEOUT
 */
export async function listen (app: FastifyInstance, target: ListenTarget, ask: AskForSocket): Promise<Listening> {
  const first = await ask(0)
  if (first.body.kind === 'private') return listenPrivately(app, target, first.body)
  const sockets = await collectSockets(first, ask)
  const [main, ...others] = sockets
  if (main === undefined) return listenNatively(app, target)
  await listenOnFirst(app, target, main)
  const extraServers = await Promise.all(others.map(socket => forwardTo(app.server, socket, target.backlog)))
  const addresses = sockets.map(({ address }) => address)
  if (extraServers.length > 0) app.addresses = () => addresses.filter(address => typeof address !== 'string')
  return { addresses, extraServers, sockets: 'held' }
}

async function collectSockets (first: Awaited<ReturnType<AskForSocket>>, ask: AskForSocket): Promise<HeldSocket[]> {
  const sockets: HeldSocket[] = []
  for (let { body, handle } = first; body.kind === 'handle'; { body, handle } = await ask(sockets.length)) {
    sockets.push({ handle: handle as SocketHandle, address: body.address })
    if (!body.more) break
  }
  return sockets
}

/** Listening for real runs the app's onListen hooks and starts the clocks of slow clients; to the app, its address is the public one. */
async function listenPrivately (app: FastifyInstance, { listenTextResolver }: ListenTarget, { path, addresses }: Extract<ListenGrant, { kind: 'private' }>): Promise<Listening> {
  const [main] = addresses
  app.server.address = () => main ?? null
  app.addresses = () => addresses.filter(address => typeof address !== 'string')
  removeAtExit(path)
  await app.listen({ path, ...listenTextResolver === undefined ? {} : { listenTextResolver } })
  return { addresses, extraServers: [], sockets: 'private' }
}

/** Listens as an app without a cluster would; Node's cluster module does the sharing. */
async function listenNatively (app: FastifyInstance, target: ListenTarget): Promise<Listening> {
  const { port, host, path, backlog, ipv6Only, readableAll, writableAll, listenTextResolver } = target
  await app.listen({
    backlog,
    ...listenTextResolver === undefined ? {} : { listenTextResolver },
    ...path === undefined ? { port, host, ipv6Only } : { path, readableAll, writableAll }
  })
  const address = app.server.address()
  const addresses: BoundAddress[] = typeof address === 'string' ? [address] : app.addresses()
  return { addresses, extraServers: [], sockets: 'native' }
}

/** `app.listen` runs as usual, hooks and log line included; only its call of `server.listen` is led to the socket. */
async function listenOnFirst (app: FastifyInstance, { backlog, listenTextResolver }: ListenTarget, { handle, address }: HeldSocket): Promise<void> {
  const { server } = app
  const redirected = (): net.Server => {
    Reflect.deleteProperty(server, 'listen')
    listenOnHandle(server, handle, backlog, typeof address === 'string' ? address : undefined)
    return server
  }
  server.listen = redirected as typeof server.listen
  await app.listen({
    ...listenTextResolver === undefined ? {} : { listenTextResolver },
    ...typeof address === 'string' ? { path: address } : { host: address.address, port: address.port }
  })
}

/** A plain server for a second address (`localhost` has two), with the socket settings of the app's own. */
async function forwardTo (server: net.Server, { handle }: HeldSocket, backlog: number): Promise<net.Server> {
  const { noDelay, keepAlive, keepAliveInitialDelay } = server as net.Server & net.ServerOpts
  const settings = Object.entries({ noDelay, keepAlive, keepAliveInitialDelay }).filter(([, value]) => value !== undefined)
  const extra = net.createServer({ allowHalfOpen: true, ...Object.fromEntries(settings) })
  extra.on('connection', socket => server.emit('connection', socket))
  await new Promise<void>((resolve, reject) => {
    extra.once('error', reject)
    extra.once('listening', () => {
      extra.off('error', reject)
      resolve()
    })
    listenOnHandle(extra, handle, backlog)
  })
  return extra
}
