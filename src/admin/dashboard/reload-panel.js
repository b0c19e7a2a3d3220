// How far a reload has come, slot by slot, and how the last one ended.
/** @import { ClusterStatus, ReloadOutcome, ReloadProgress, SlotStatus } from '../status.ts' */
import { byId, keepChildren, make, setAttribute, setText } from './dom.js'
import { age, duration, plural } from './format.js'

/** How long a reload that went well is told, in ms; one that failed is told until the next. */
const TOLD = 60_000

/** @param {ClusterStatus} status */
export function showReload ({ reload, lastReload, slots, at }) {
  const panel = byId('reload-panel', HTMLElement)
  const isTold = reload !== null || (lastReload !== null && (lastReload.state === 'failed' || at - lastReload.at < TOLD))
  panel.hidden = !isTold
  if (!isTold) return
  setAttribute(panel, 'data-tone', reload !== null ? undefined : lastReload?.state === 'failed' ? 'bad' : 'good')
  byId('reload-bar', HTMLElement).hidden = byId('reload-slots', HTMLElement).hidden = reload === null
  if (reload !== null) showProgress(reload, slots, at)
  else if (lastReload !== null) showOutcome(lastReload)
}

/**
 * @param {ReloadProgress} reload
 * @param {readonly SlotStatus[]} slots
 * @param {number} at
 */
function showProgress (reload, slots, at) {
  const { generation, done, slots: all, startedAt } = reload
  const bar = byId('reload-bar', HTMLElement)
  setText(byId('reload-title', HTMLElement), `Reload to generation ${generation}, for ${age(at - startedAt)}`)
  setText(byId('reload-text', HTMLElement), `${done.length} of ${plural(all, 'slot')} done`)
  setAttribute(bar, 'aria-valuemax', String(all))
  setAttribute(bar, 'aria-valuenow', String(done.length))
  bar.style.setProperty('--share', String(done.length / Math.max(1, all)))
  const list = byId('reload-slots', HTMLElement)
  const shown = slots.filter(({ id }) => id <= all)
  keepChildren(list, shown.map(({ id }) => String(id)), id => make('li', {}, [make('b', {}, [`Worker ${id}`]), make('span')]))
  shown.forEach((slot, index) => {
    const item = list.children[index]
    const text = item?.lastElementChild
    if (item === undefined || !text) return
    const { step, tone } = stepOf(slot, reload)
    setText(text, step)
    setAttribute(item, 'data-tone', tone)
  })
}

/** @param {ReloadOutcome} outcome */
function showOutcome ({ state, generation, duration: took, error }) {
  setText(byId('reload-title', HTMLElement), state === 'done' ? 'Reload done' : 'Reload failed')
  setText(byId('reload-text', HTMLElement), state === 'done'
    ? `Generation ${generation} serves, after ${duration(took)}.`
    : `The old generation serves on. ${error ?? ''}`)
}

/**
 * @param {SlotStatus} slot
 * @param {ReloadProgress} reload
 * @returns {{ step: string, tone?: string }}
 */
function stepOf ({ id, state, generation: own, others }, { done, generation }) {
  const isNew = own !== null && own >= generation
  if (done.includes(id)) return others.some(other => other.state === 'draining') ? { step: 'done, the old worker drains', tone: 'good' } : { step: 'done', tone: 'good' }
  if (state === 'booting' || others.some(other => other.state === 'booting')) return { step: 'boots', tone: 'busy' }
  // Both are ready for a while: the new one has to last before the old one goes.
  if (isNew || others.some(other => other.generation >= generation && other.state === 'ready')) return { step: 'proves itself', tone: 'busy' }
  return { step: 'waits' }
}
