// What a worker tells the primary at regular times and, where the admin server counts on it, once more at its end.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel } from '../channel.ts'
import type { AppMetric } from '../measurements.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { ToPrimary } from '../protocol.ts'
import type { Health, Snapshot } from '../snapshot.ts'
import type { Drainable } from './drain.ts'
import { createDurations } from './durations.ts'
import { startSnapshots } from './snapshots.ts'

/** How long a registry of the app may hold the worker's end up, in ms. */
const APP_METRICS_TIMEOUT = 500

/** A worker's last reports: counters must not lose what came since the one before. */
export interface LastReports {
  /** While the app is not closed yet: its registry may ask its pools. */
  readonly prepare: () => void
  readonly send: () => Promise<void>
}

const NONE: LastReports = { prepare () {}, async send () {} }

export function startReports ({ gate, connections }: Pick<Drainable, 'gate' | 'connections'>, { admin, snapshotInterval }: Pick<ResolvedOptions, 'admin' | 'snapshotInterval'>, health: () => Health, channel: Channel<ToPrimary>, onSnapshot: (snapshot: Snapshot) => void): LastReports {
  const sendSnapshot = (snapshot: Snapshot): void => {
    void channel.post({ type: 'snapshot', snapshot })
    onSnapshot(snapshot)
  }
  if (admin === false) {
    startSnapshots(gate, connections, snapshotInterval, health, sendSnapshot)
    return NONE
  }
  const durations = createDurations()
  gate.record(durations.record)
  const report = startSnapshots(gate, connections, snapshotInterval, health, snapshot => {
    sendSnapshot(snapshot)
    const measured = durations.take()
    if (measured.durations.length > 0) void channel.post({ type: 'measured', measured })
  })
  let app: Promise<AppMetric[] | undefined> = Promise.resolve(undefined)
  return {
    prepare () { app = Promise.race([gate.appMetrics(), sleep(APP_METRICS_TIMEOUT, undefined, { ref: false })]) },
    async send () {
      report()
      const metrics = await app
      await channel.post({ type: 'measured', measured: durations.take(), ...metrics === undefined ? {} : { app: metrics } })
    }
  }
}
