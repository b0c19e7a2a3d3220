// The event log, the latest first. An event stays the same line when the stream breaks and tells it again.
import { byId, make } from './dom.js'
import { duration, time } from './format.js'

const MOST = 200

/** @typedef {Readonly<Record<string, unknown>> & { readonly at: number }} EventData */

/** @type {Set<string>} */
const known = new Set()

/**
 * @param {string} event
 * @param {EventData} data
 * @param {string | undefined} id
 */
export function showEvent (event, data, id) {
  const told = textOf(event, data)
  const key = `${id} ${data.at}`
  if (told === undefined || known.has(key)) return
  known.add(key)
  const list = byId('events', HTMLOListElement)
  byId('no-events', HTMLElement).hidden = true
  list.prepend(make('li', { 'data-tone': told.tone, 'data-key': key }, [make('time', { datetime: new Date(data.at).toISOString() }, [time(data.at)]), make('span', {}, [told.text])]))
  while (list.childElementCount > MOST) {
    known.delete(list.lastElementChild?.getAttribute('data-key') ?? '')
    list.lastElementChild?.remove()
  }
}

/** What comes from now on is news, and read aloud. */
export function announceEvents () {
  byId('events-log', HTMLElement).setAttribute('aria-live', 'polite')
}

/**
 * @param {string} event
 * @param {EventData} data
 * @returns {{ text: string, tone?: string } | undefined}
 */
function textOf (event, data) {
  const worker = `Worker ${String(data['id'])} (process ${String(data['pid'])})`
  switch (event) {
    case 'worker-ready': return { text: `${worker} is ready, generation ${String(data['generation'])}, booted in ${duration(Number(data['bootMs']))}`, tone: 'good' }
    case 'worker-exit': return { text: `${worker} ended: ${String(data['reason'])}`, ...data['expected'] === true ? {} : { tone: 'bad' } }
    case 'reload': return reloadText(data)
    case 'scale': return { text: data['state'] === 'started' ? `Scaling from ${String(data['from'])} to ${String(data['to'])}` : `Scaled to ${String(data['workers'])}` }
    case 'stop': return { text: `The cluster stops: ${String(data['reason'])}`, tone: 'warn' }
    default: return undefined
  }
}

/** @param {EventData} data */
function reloadText (data) {
  const to = `Reload to generation ${String(data['generation'])}`
  if (data['state'] === 'started') return { text: `${to} began` }
  if (data['state'] === 'done') return { text: `${to} done in ${duration(Number(data['duration']))}`, tone: 'good' }
  const error = data['error']
  return { text: `${to} failed: ${typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : ''}`, tone: 'bad' }
}
