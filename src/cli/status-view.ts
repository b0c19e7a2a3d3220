// The status of a cluster as text: a head of a few lines, and a table with a row for each slot. Pure.
import type { ClusterStatus, ReloadProgress, SlotStatus } from '../admin/status.ts'
import { inWords, plural, progressLine } from './progress-view.ts'

interface Column { readonly title: string, readonly of: (slot: SlotStatus) => string, readonly left?: boolean }

const NONE = '-'
const or = (value: number | null | undefined, text: (value: number) => string): string => value === null || value === undefined ? NONE : text(value)

const COLUMNS: readonly Column[] = [
  { title: 'ID', of: ({ id }) => String(id) },
  { title: 'STATE', of: stateOf, left: true },
  { title: 'PID', of: ({ pid }) => or(pid, String) },
  { title: 'GEN', of: ({ generation }) => or(generation, String) },
  { title: 'UPTIME', of: ({ uptime }) => or(uptime, age) },
  { title: 'LOOP', of: ({ utilization }) => or(utilization, percent) },
  { title: 'DELAY', of: ({ loopDelay }) => or(loopDelay?.p99, milliseconds) },
  { title: 'RSS', of: ({ memory }) => or(memory?.rss, megabytes) },
  { title: 'HEAP', of: ({ memory }) => or(memory?.heapUsed, megabytes) },
  { title: 'CONN', of: ({ connections }) => or(connections?.open, String) },
  { title: 'BUSY', of: ({ requests }) => String(requests.inFlight) },
  { title: 'REQ/S', of: ({ requests }) => String(requests.perSecond) },
  { title: 'SHED/S', of: ({ shed }) => String(shed.perSecond) },
  { title: 'EXITS', of: ({ exits }) => String(exits) }
]

export function statusText (status: ClusterStatus): string {
  return [...head(status), '', ...slotTable(status.slots), ''].join('\n')
}

export function head (status: ClusterStatus): string[] {
  const { name, pid, addresses, generation, workers, totals, restarts, duration, queue, at, startedAt } = status
  const lines = [
    `${name}: ${condition(status)}, ${workers.ready} of ${plural(workers.wanted, 'worker')} ready, generation ${generation}, up ${age(at - startedAt)}, process ${pid}`,
    `at ${addresses.length === 0 ? NONE : addresses.join(' and ')}`,
    [
      `${totals.perSecond} req/s`,
      `${totals.inFlight} in flight`,
      `${totals.connections.open} connections`,
      `${totals.shedPerSecond} shed/s`,
      ...duration === null ? [] : [`p50 ${milliseconds(duration.p50)}, p99 ${milliseconds(duration.p99)}`],
      ...queue === null ? [] : [`${queue.waiting} waiting`],
      plural(restarts, 'restart')
    ].join(', ')
  ]
  return status.reload === null ? lines : [...lines, reloadLine(status.reload, at)]
}

export function slotTable (slots: readonly SlotStatus[]): string[] {
  const rows = [COLUMNS.map(({ title }) => title), ...slots.map(slot => COLUMNS.map(column => column.of(slot)))]
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map(row => row[index]?.length ?? 0)))
  const pad = (cell: string, index: number): string => COLUMNS[index]?.left === true ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)
  return rows.map(row => row.map(pad).join('  ').trimEnd())
}

function condition ({ phase, readiness: { ready, reasons } }: ClusterStatus): string {
  if (ready) return 'ready'
  const [first] = reasons
  return phase === first ? phase : `${phase}, not ready (${reasons.join(', ')})`
}

/** Who takes over, or still drains, stands behind. */
function stateOf ({ state, health, others }: SlotStatus): string {
  const own = state === 'ready' && health?.state === 'unhealthy' ? 'unhealthy' : state
  return [own, ...others.map(other => `+${other.state}`)].join(' ')
}

function reloadLine ({ generation, startedAt, done, slots }: ReloadProgress, at: number): string {
  return `${progressLine({ label: `reloading to generation ${generation}`, done: done.length, total: slots }, Infinity)}, ${inWords(at - startedAt)}`
}

/** The two largest units. */
function age (ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  const units = [[86_400, 'd'], [3_600, 'h'], [60, 'm'], [1, 's']] as const
  const first = units.findIndex(([length]) => seconds >= length)
  if (first === -1) return '0s'
  let rest = seconds
  return units.slice(first, first + 2).map(([length, unit]) => {
    const count = Math.floor(rest / length)
    rest %= length
    return `${count}${unit}`
  }).join('')
}

function percent (share: number): string {
  return `${Math.round(share * 100)}%`
}

function milliseconds (ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}ms`
}

function megabytes (bytes: number): string {
  return `${Math.round(bytes / 1_048_576)}M`
}
