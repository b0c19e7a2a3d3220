// Chooses how this cluster accepts connections, and binds what the primary binds.
import cluster from 'node:cluster'
import { BootFailedError, ConflictingOptionsError } from '../errors.ts'
import { canBindHandles } from '../node-internals.ts'
import { guardBalancer } from '../balancer/guarded-balancer.ts'
import { resolveBalancer } from '../balancer/resolve-balancer.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { ServerFacts } from '../protocol.ts'
import { createAcceptingListener } from './accepting.ts'
import { createConnectionDispatcher } from './connection.ts'
import type { Dispatcher } from './dispatcher.ts'
import { createKernelListener } from './kernel.ts'
import type { Listener, ListenerParts } from './listener.ts'
import { createNativeListener } from './native.ts'
import { createRequestDispatcher } from './request.ts'
import { bindSockets } from './sockets.ts'

/**
 * @throws FST_CLUSTERIZE_BOOT_FAILED with the system's error as cause when the address cannot be bound, FST_CLUSTERIZE_CONFLICTING_OPTIONS
 */
export async function openListener (options: ResolvedOptions, parts: ListenerParts): Promise<Listener> {
  const { scheduling, listen } = options
  if (scheduling === 'round-robin' && parts.inherited.length > 0) throw new ConflictingOptionsError('"scheduling: round-robin" and LISTEN_FDS', 'Node\'s own round robin cannot take over sockets; every other scheduling can')
  cluster.schedulingPolicy = scheduling === 'round-robin' ? cluster.SCHED_RR : cluster.SCHED_NONE
  if (scheduling === 'round-robin' || (scheduling === 'kernel' && !canBindHandles())) return createNativeListener(parts)
  try {
    const sockets = await bindSockets(listen, parts.inherited)
    switch (scheduling) {
      case 'kernel': return createKernelListener(sockets, parts)
      case 'connection':
      case 'request': return await createAcceptingListener(sockets, listen, facts => dispatcherFor(options, facts, parts))
      default: return scheduling satisfies never
    }
  } catch (cause) {
    throw new BootFailedError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Requests inside TLS or HTTP/2 cannot be told apart by the primary, and what it has read of a connection that cannot move would be lost, so such an app gets whole connections. */
function dispatcherFor (options: ResolvedOptions, facts: ServerFacts, parts: ListenerParts): Dispatcher {
  if (options.scheduling === 'request' && facts.plainHttp1 && facts.movable) return createRequestDispatcher(options, facts, parts)
  if (options.scheduling === 'request') parts.warn('scheduling-by-connection', 'TLS and HTTP/2 cannot be scheduled by request, nor can anything where connections cannot move (this platform): whole connections go to the worker with the fewest')
  const balancer = guardBalancer(resolveBalancer(options.balancer), error => parts.warn('balancer-failed', 'the balancer failed, round robin stands in', { err: error }))
  return createConnectionDispatcher({ ...options, balancer }, facts, parts)
}
