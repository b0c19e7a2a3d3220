// Gives the admin server what it may see of this cluster and order.
import type { AdminCluster, LogLevel } from '../admin/cluster.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { AppMetric } from '../measurements.ts'
import type { BoundAddress } from '../protocol.ts'
import type { PrimaryEnding } from './ending.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'
import { recycleWorker } from './recycle-order.ts'
import type { ReportTap } from './report-tap.ts'
import type { Restarts } from './restarts.ts'
import type { Supervisor } from './supervision.ts'
import type { WorkerHandle } from './worker-handle.ts'

const APP_METRICS_TIMEOUT = 500

export interface ViewParts {
  readonly options: Pick<ResolvedOptions, 'scheduling'>
  readonly supervisor: Supervisor
  readonly ending: PrimaryEnding
  readonly restarts: Restarts
  readonly events: EventSink
  readonly log: PrimaryLog
  readonly tap: ReportTap
  readonly addresses: () => readonly BoundAddress[]
}

export function adminView ({ options, supervisor, ending, restarts, events, log, tap, addresses }: ViewParts): AdminCluster {
  const { workers, stats, history, reload, scale } = supervisor
  return {
    scheduling: options.scheduling,
    addresses,
    phase: () => ending.isStopping() ? 'stopping' : supervisor.isUp() ? 'running' : 'booting',
    isCrashLooping: restarts.isLooping,
    workers,
    stats,
    history,
    events: events.emitter,
    listen: tap.listen,
    appMetrics: () => askForAppMetrics(supervisor.handles()),
    reload,
    scale,
    recycle: id => recycleWorker(id, supervisor, events),
    stop: () => ending.exit('ordered through the admin server'),
    setLogLevel: createLogLevels({ supervisor, events, log }),
    log: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message)
  }
}

/** A worker that is too busy to answer must not hold a scrape up. */
async function askForAppMetrics (handles: readonly WorkerHandle[]): Promise<Array<readonly [WorkerHandle, AppMetric[]]>> {
  const serving = handles.filter(handle => handle.state() === 'ready' || handle.state() === 'draining')
  const answers = await Promise.allSettled(serving.map(async handle => {
    const { body } = await handle.channel.ask({ type: 'app-metrics' }, { timeout: APP_METRICS_TIMEOUT })
    return [handle, body] as const
  }))
  return answers.flatMap(answer => answer.status === 'fulfilled' ? [answer.value] : [])
}

/** Workers that come later are told when they are ready. */
function createLogLevels ({ supervisor, events, log }: Pick<ViewParts, 'supervisor' | 'events' | 'log'>): (level: LogLevel) => void {
  let wanted: LogLevel | undefined
  const tell = (level: LogLevel, pid?: number): void => {
    for (const handle of supervisor.handles()) if (pid === undefined || handle.pid === pid) void handle.channel.post({ type: 'log-level', level })
  }
  events.emitter.on('worker-ready', ({ pid }) => { if (wanted !== undefined) tell(wanted, pid) })
  return level => {
    log.level = wanted = level
    tell(level)
  }
}
