// Tells the world how rolling reloads go: in the log and by events.
import { hintField, hintForError } from '../hints.ts'
import type { EventSink } from './events.ts'
import type { PrimaryLog } from './log.ts'
import { createReloads } from './reload.ts'
import type { Reloads } from './reload.ts'

export interface Rollout {
  /** Wants every worker of the next generation, and tells between which it goes. */
  readonly begin: () => { from: number, to: number }
  /** Wants no more than what is there. */
  readonly giveUp: (from: number) => void
  readonly now: () => number
}

export function createRolling ({ begin, giveUp, now }: Rollout, log: PrimaryLog, events: EventSink): Reloads {
  return createReloads({
    now,
    begin () {
      const generations = begin()
      log.info({ event: 'reload-started', generation: generations.to }, 'reload begins')
      events.emit('reload', { state: 'started', generation: generations.to })
      return generations
    },
    ended ({ from, to }, report) {
      if (report instanceof Error) {
        giveUp(from)
        log.error({ event: 'reload-failed', generation: to, err: report, ...hintField(hintForError(report)) }, 'reload failed: the old generation serves on')
        events.emit('reload', { state: 'failed', generation: to, error: report })
      } else {
        log.info({ event: 'reload-done', generation: to, ms: report.duration }, 'reload done')
        events.emit('reload', { state: 'done', generation: to, duration: report.duration })
      }
    }
  })
}
