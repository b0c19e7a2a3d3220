// Chooses how this cluster accepts connections, and binds what the primary binds.
import cluster from 'node:cluster'
import { BootFailedError } from '../errors.ts'
import { canBindHandles } from '../node-internals.ts'
import type { ResolvedOptions } from '../options/types.ts'
import { bindForKernel } from './kernel.ts'
import type { Listener } from './listener.ts'
import { nativeListener } from './native.ts'

/**
 * @throws FST_CLUSTERIZE_BOOT_FAILED with the system's error as cause when the address cannot be bound
 */
export async function openListener ({ scheduling, listen }: ResolvedOptions): Promise<Listener> {
  cluster.schedulingPolicy = scheduling === 'round-robin' ? cluster.SCHED_RR : cluster.SCHED_NONE
  if (scheduling === 'round-robin' || !canBindHandles()) return nativeListener
  try {
    return await bindForKernel(listen)
  } catch (cause) {
    throw new BootFailedError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
