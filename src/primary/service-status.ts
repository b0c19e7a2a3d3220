// Translates what happens in the cluster into what a service manager wants to know.
import { createServiceNotifier } from '../service-notifier.ts'
import type { NotifyRequest } from '../service-manager.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'
import type { Supervisor } from './supervision.ts'

export interface ServiceStatus {
  /** The first generation is ready. */
  readonly up: () => void
  readonly end: () => void
}

export function reportToService (request: NotifyRequest | undefined, { stats }: Pick<Supervisor, 'stats'>, { emitter }: EventSink, log: PrimaryLog): ServiceStatus {
  let phase: 'booting' | 'serving' | 'reloading' | 'stopping' = 'booting'
  const status = (): string => {
    const { workers: { ready, wanted }, generation } = stats()
    return `${ready} of ${wanted} workers ready, generation ${generation}`
  }
  const service = createServiceNotifier(request, {
    // A cluster that nobody serves for a whole period is one to restart.
    isAlive: () => phase === 'stopping' || stats().workers.ready > 0,
    onFailure: err => log.warn({ event: 'service-manager-unreachable', err }, 'the service manager cannot be told: is systemd-notify installed?')
  })

  for (const event of ['worker-ready', 'worker-exit'] as const) emitter.on(event, () => { if (phase === 'serving') service.status(status()) })
  emitter.on('scale', ({ state }) => { if (state === 'done') service.status(status()) })
  emitter.on('reload', event => {
    if (phase === 'stopping') return
    phase = event.state === 'started' ? 'reloading' : 'serving'
    if (event.state === 'started') service.reloading(`generation ${event.generation} comes up`)
    else service.ready(event.state === 'done' ? status() : `generation ${event.generation} did not come up, the old one serves on`)
  })
  emitter.on('stop', ({ reason }) => {
    phase = 'stopping'
    service.stopping(`stopping: ${reason}`)
  })
  return {
    up () {
      if (phase === 'booting') phase = 'serving'
      service.ready(status())
    },
    end: service.end
  }
}
