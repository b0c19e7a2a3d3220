// Remembers from the cluster's events which reload runs and how the last one ended.
import type { AdminCluster } from './cluster.ts'
import type { ReloadOutcome, ReloadProgress } from './status.ts'

export interface ReloadWatch {
  readonly running: () => Pick<ReloadProgress, 'generation' | 'startedAt'> | null
  readonly last: () => ReloadOutcome | null
}

export function watchReloads (events: AdminCluster['events'], clock: () => number = Date.now): ReloadWatch {
  let running: Pick<ReloadProgress, 'generation' | 'startedAt'> | null = null
  let last: ReloadOutcome | null = null
  events.on('reload', event => {
    const at = clock()
    if (event.state === 'started') {
      running = { generation: event.generation, startedAt: at }
      return
    }
    last = { state: event.state, generation: event.generation, at, duration: at - (running?.startedAt ?? at), error: event.state === 'failed' ? event.error.message : null }
    running = null
  })
  return { running: () => running, last: () => last }
}
