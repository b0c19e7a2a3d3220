// Tells a person at a terminal how the boot and reloads go; everything else is the log's.
import { subscribe } from 'node:diagnostics_channel'
import type { ClusterEvents, ReloadEvent, WorkerReadyEvent } from '../primary/events.ts'
import { failureText } from './failure-view.ts'
import { inWords, plural, progressLine } from './progress-view.ts'
import type { TerminalLine } from './terminal-line.ts'

/** Lines of the log that say what the narrator shows. */
const NARRATED: ReadonlySet<unknown> = new Set(['cluster-ready', 'reload-started', 'reload-done', 'reload-failed'])

export interface Narrator {
  /** How many workers are to become ready. */
  readonly bootBegins: (workers: number) => void
  readonly bootEnds: (addresses: readonly string[]) => void
  readonly bootFails: () => void
  /** Whether a line of the log, by its fields, is shown in another way. */
  readonly shows: (fields: LogFields) => boolean
}

export interface LogFields { readonly event?: unknown, readonly kind?: unknown }

interface Task { readonly label: string, readonly generation: number, readonly ready: Set<number> }

export function createNarrator (line: TerminalLine, columns: () => number, now: () => number = () => performance.now()): Narrator {
  let task: Task | undefined
  let total = 0
  let startedAt = now()

  const show = (): void => line.progress(task === undefined ? '' : progressLine({ label: task.label, done: task.ready.size, total }, columns()))
  const begin = (label: string, generation: number): void => {
    task = { label, generation, ready: new Set() }
    show()
  }
  const end = (text: string): void => {
    task = undefined
    show()
    line.write(text)
  }

  listen('worker-ready', ({ id, generation }: WorkerReadyEvent) => {
    if (task?.generation !== generation) return
    task.ready.add(id)
    show()
  })
  listen('scale', event => { if (event.state === 'started') total = event.to })
  listen('stop', () => end(''))
  listen('reload', (event: ReloadEvent) => {
    switch (event.state) {
      case 'started': return begin(`reloading to generation ${event.generation}`, event.generation)
      case 'done': return end(`✔ generation ${event.generation} serves, reloaded in ${inWords(event.duration)}\n`)
      case 'failed': return end(failureText(event.error))
      default: return event satisfies never
    }
  })

  return {
    bootBegins (workers) {
      total = workers
      startedAt = now()
      begin(`booting ${plural(workers, 'worker')}`, 1)
    },
    bootEnds (addresses) {
      end(`✔ ${plural(total, 'worker')} ready in ${inWords(now() - startedAt)} at ${addresses.join(' and ')}, the primary is process ${process.pid}\n`)
    },
    bootFails: () => end(''),
    // While they are awaited, workers are counted; what keeps one from starting is told once, with its stack.
    shows: ({ event, kind }) => NARRATED.has(event) || (task !== undefined && (event === 'worker-ready' || (event === 'worker-exit' && kind === 'boot-failed')))
  }
}

/** By diagnostics channels, which tell also of what happens before clusterize() resolves. */
function listen<Name extends keyof ClusterEvents> (name: Name, act: (event: ClusterEvents[Name][0]) => void): void {
  subscribe(`fastify-clusterize:${name}`, event => act(event as ClusterEvents[Name][0]))
}
