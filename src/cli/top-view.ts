// What `clusterize top` shows: the status in the size of the terminal. Pure.
import type { ClusterStatus } from '../admin/status.ts'
import { head, slotTable } from './status-view.ts'

export interface Size { readonly columns: number, readonly rows: number }

/** Whatever of a cluster's own goes to a terminal must not steer it: only a name or an error's text could try. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001F\u007F-\u009F]/g
const KEYS = 'q quits'

/** Exactly as many lines as there are rows, none wider than the terminal. */
export function topLines (status: ClusterStatus, events: readonly string[], { columns, rows }: Size): string[] {
  const lines = [...head(status), '', ...slotTable(status.slots)]
  const room = Math.max(0, rows - 1)
  const shown = lines.length > room ? [...lines.slice(0, Math.max(0, room - 1)), `… ${lines.length - room + 1} more`] : withEvents(lines, events, room)
  const filled = [...shown.slice(0, room), ...Array<string>(Math.max(0, room - shown.length)).fill('')]
  return [...filled, KEYS].map(line => line.replaceAll(CONTROL, ' ').slice(0, columns))
}

/** The latest events that fit below. */
function withEvents (lines: readonly string[], events: readonly string[], room: number): string[] {
  const free = room - lines.length - 1
  return free <= 0 || events.length === 0 ? [...lines] : [...lines, '', ...events.slice(-free)]
}
