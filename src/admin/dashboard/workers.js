// The table of the workers: a row for each slot. On a narrow screen each row is a card, still with the meaning of a table.
/** @import { ClusterStatus, SlotStatus } from '../status.ts' */
import { byId, keepChildren, make, setAttribute, setText } from './dom.js'
import { age, duration, memory, NONE, percent, plural, rate, whole } from './format.js'

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(slot: SlotStatus) => string} of
 * @property {(slot: SlotStatus) => string} [more] in smaller letters
 * @property {(slot: SlotStatus) => string | undefined} [tone]
 * @property {(slot: SlotStatus) => number} [share] drawn as a bar, 0 to 1
 */

/**
 * @template T
 * @param {T | null | undefined} value
 * @param {(value: T) => string} write
 */
const or = (value, write) => value === null || value === undefined ? NONE : write(value)

/** @type {readonly Column[]} */
const COLUMNS = [
  { title: 'Worker', of: ({ id }) => String(id), more: ({ pid }) => pid === null ? '' : `process ${pid}` },
  { title: 'State', of: stateOf, more: ({ others }) => others.map(({ state, generation }) => `+ ${state}, gen. ${generation}`).join('; '), tone: toneOf },
  { title: 'Generation', of: ({ generation }) => or(generation, whole) },
  { title: 'Uptime', of: ({ uptime }) => or(uptime, age), more: ({ exits }) => exits === 0 ? '' : plural(exits, 'exit') },
  { title: 'Utilization', of: ({ utilization }) => or(utilization, percent), share: ({ utilization }) => utilization ?? 0 },
  { title: 'Loop delay', of: ({ loopDelay }) => or(loopDelay?.p99, duration), more: ({ loopDelay }) => loopDelay === null ? '' : `max ${duration(loopDelay.max)}` },
  { title: 'Memory', of: slot => or(slot.memory, ({ rss }) => memory(rss)), more: slot => slot.memory === null ? '' : `heap ${memory(slot.memory.heapUsed)}` },
  { title: 'Connections', of: ({ connections }) => or(connections?.open, whole), more: ({ connections }) => connections === null ? '' : `${whole(connections.idle)} idle` },
  { title: 'Requests/s', of: ({ requests }) => rate(requests.perSecond), more: ({ requests }) => `${whole(requests.inFlight)} in flight` },
  { title: 'Shed/s', of: ({ shed }) => rate(shed.perSecond), more: ({ shed }) => shed.total === 0 ? '' : `${whole(shed.total)} in all`, tone: ({ shed }) => shed.perSecond > 0 ? 'warn' : undefined }
]

/**
 * @param {ClusterStatus} status
 * @param {(id: number) => void} recycle
 */
export function showWorkers ({ slots }, recycle) {
  const table = byId('workers-table', HTMLTableElement)
  const head = table.tHead
  const [body] = table.tBodies
  if (head === null || body === undefined) return
  if (head.childElementCount === 0) head.append(headRow())
  keepChildren(body, slots.map(({ id }) => String(id)), id => newRow(Number(id), recycle))
  slots.forEach((slot, index) => {
    const row = body.rows[index]
    if (row !== undefined) showSlot(row, slot)
  })
}

function headRow () {
  const titles = COLUMNS.map(({ title }) => make('th', { scope: 'col', role: 'columnheader' }, [title]))
  return make('tr', { role: 'row' }, [...titles, make('th', { scope: 'col', role: 'columnheader' }, [make('span', { class: 'hidden' }, ['Orders'])])])
}

/**
 * @param {number} id
 * @param {(id: number) => void} recycle
 */
function newRow (id, recycle) {
  const cells = COLUMNS.map(({ title, share, tone }, index) => make(index === 0 ? 'th' : 'td', {
    role: index === 0 ? 'rowheader' : 'cell', scope: index === 0 ? 'row' : undefined, 'data-label': title, class: tone === toneOf ? 'state' : undefined
  }, [
    make('span', { class: 'value' }),
    ...share === undefined ? [] : [make('span', { class: 'meter', 'aria-hidden': 'true' })],
    make('span', { class: 'more' })
  ]))
  const button = make('button', { type: 'button', class: 'quiet', 'aria-label': `Recycle worker ${id}…` }, ['Recycle…'])
  button.addEventListener('click', () => recycle(id))
  return make('tr', { role: 'row' }, [...cells, make('td', { role: 'cell', class: 'orders' }, [button])])
}

/**
 * @param {HTMLTableRowElement} row
 * @param {SlotStatus} slot
 */
function showSlot (row, slot) {
  COLUMNS.forEach(({ of, more, tone, share }, index) => {
    const cell = row.cells[index]
    const value = cell?.querySelector('.value')
    const small = cell?.querySelector('.more')
    if (cell === undefined || !value || !small) return
    setText(value, of(slot))
    setText(small, more?.(slot) ?? '')
    setAttribute(cell, 'data-tone', tone?.(slot))
    const meter = cell.querySelector('.meter')
    if (share === undefined || !(meter instanceof HTMLElement)) return
    meter.style.setProperty('--share', String(Math.min(1, share(slot))))
    setAttribute(meter, 'data-tone', share(slot) > 0.9 ? 'bad' : share(slot) > 0.7 ? 'warn' : undefined)
  })
}

/** @param {SlotStatus} slot */
function stateOf ({ state, health }) {
  return state === 'ready' && health?.state === 'unhealthy' ? 'unhealthy' : state
}

/** @param {SlotStatus} slot */
function toneOf (slot) {
  const state = stateOf(slot)
  if (state === 'ready') return 'good'
  return state === 'unhealthy' || state === 'killing' || state === 'exited' ? 'bad' : 'warn'
}
