// Decides whether the cluster is ready for traffic, and why not. Pure.
import type { Phase } from './cluster.ts'

/** Why a cluster is not ready: one of a fixed set. */
export type UnreadyReason = 'booting' | 'stopping' | 'crash-loop' | 'too-few-workers'

export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly UnreadyReason[]
  /** Workers that are ready, and how many must be. */
  readonly workers: number
  readonly minReady: number
}

export interface ReadinessFacts {
  readonly phase: Phase
  readonly isCrashLooping: boolean
  readonly workers: number
  readonly minReady: number
}

export function readinessOf ({ phase, isCrashLooping, workers, minReady }: ReadinessFacts): Readiness {
  const reasons: UnreadyReason[] = []
  if (phase !== 'running') reasons.push(phase)
  if (isCrashLooping) reasons.push('crash-loop')
  if (workers < minReady) reasons.push('too-few-workers')
  return { ready: reasons.length === 0, reasons, workers, minReady }
}
