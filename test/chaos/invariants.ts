// What must hold whatever happens, judged by the log of the cluster, its own account of its workers, and the journals of who began what.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Line } from '../helpers/processes.ts'
import type { Failure } from './clients.ts'

interface Worker { readonly id: number, readonly pid: number, readonly generation: number, readonly state: string }

/** Never two ready workers of one slot and generation, but while one is being replaced by order. */
export function twoOfOneSlot (state: Line, lines: readonly Line[]): string[] {
  const going = new Set(lines.filter(({ event }) => event === 'worker-recycled' || event === 'worker-signalled').map(({ pid }) => pid))
  const ready = (state['workers'] as Worker[]).filter(worker => worker.state === 'ready' && !going.has(worker.pid))
  const places = ready.map(({ id, generation }) => `slot ${id} of generation ${generation}`)
  return places.filter((place, index) => places.indexOf(place) !== index).map(place => `two ready workers: ${place}`)
}

/** As many as wanted, all ready, none of an older generation than is wanted; where a reload failed some may be newer. */
export function isSettled (state: Line, wanted: number): boolean {
  const workers = state['workers'] as Worker[]
  return workers.length === wanted && workers.every(worker => worker.state === 'ready' && worker.generation >= Number(state['generation']))
}

/** Only what a killed worker had in its hands may fail: the journal tells who began it, or else a worker died while it was under way. */
export function unexplained (failures: readonly Failure[], lines: readonly Line[], folder: string): string[] {
  const exits = lines.filter(({ event }) => event === 'worker-exit')
  const deaths = exits.filter(({ kind }) => !['stopped', 'retired', 'recycled'].includes(String(kind)))
  const dead = new Set(deaths.map(({ pid }) => Number(pid)))
  const begun = new Map<string, number[]>()
  for (const name of readdirSync(folder)) {
    for (const request of readFileSync(path.join(folder, name), 'utf8').split('\n')) begun.set(request, [...begun.get(request) ?? [], Number(name)])
  }
  // The log line of a death is written after the connections have ended.
  const slack = 3_000
  return failures.filter(({ request, sentAt, failedAt }) => {
    const by = begun.get(String(request))
    if (by !== undefined) return !by.some(pid => dead.has(pid))
    return !deaths.some(({ time }) => Number(time) >= sentAt - slack && Number(time) <= failedAt + slack)
  }).map(({ request, reason, sentAt, failedAt }) => {
    const by = begun.get(String(request)) ?? []
    const fates = lines.filter(({ pid, event }) => by.includes(Number(pid)) && String(event).startsWith('worker-')).map(({ event, time, kind, slot }) => `${String(event)} ${String(kind ?? slot)} at ${String(time)}`)
    return `request ${request} was sent at ${sentAt} and failed at ${failedAt} (${reason}), begun by ${by.join()}: ${fates.join(', ')}`
  })
}

/** No request was begun by two workers. */
export function begunTwice (folder: string): string[] {
  const by = new Map<string, string>()
  const twice: string[] = []
  for (const name of readdirSync(folder)) {
    for (const request of readFileSync(path.join(folder, name), 'utf8').split('\n').filter(text => /^\d+$/.test(text))) {
      if (by.has(request)) twice.push(`request ${request} was begun by ${by.get(request)} and by ${name}`)
      by.set(request, name)
    }
  }
  return twice
}
