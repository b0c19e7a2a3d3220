// What processes have used, as Linux tells it in /proc; NaN elsewhere.
import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** User and system time of all of them since they began, in µs. Unlike throughput it does not suffer from what else the machine does. */
export function cpuTime (pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid), 0) / TICKS_PER_SECOND * 1e6
}

/** Field 14 and 15 of proc(5) stat; the name before them may contain spaces. */
function ticksOf (pid: number): number {
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

/** Resident and proportional size (shared pages counted by share), in MB. */
export function memoryOf (pid: number): { rss: number, pss: number } {
  const rollup = read(`/proc/${pid}/smaps_rollup`)
  const megabytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1]) / 1024
  return { rss: megabytes('Rss'), pss: megabytes('Pss') }
}

function read (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
