// Tells how orders went.
import { byId, make } from './dom.js'

/** How long good news stay, in ms; bad news stay until they are dismissed. */
const STAY = 10_000

/** @param {string} text */
export function tellSuccess (text) {
  const notice = show('status', 'good', [make('p', {}, [text])])
  setTimeout(() => notice.remove(), STAY)
}

/**
 * @param {string} text
 * @param {string} [stack]
 */
export function tellFailure (text, stack) {
  show('alert', 'bad', [make('p', {}, [text]), ...stack === undefined ? [] : [make('details', {}, [make('summary', {}, ['What the worker said']), make('pre', { tabindex: 0 }, [stack])])]])
}

/**
 * @param {string} role
 * @param {string} tone
 * @param {readonly HTMLElement[]} content
 */
function show (role, tone, content) {
  const dismiss = make('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss this notice' }, ['Dismiss'])
  const notice = make('div', { class: 'notice', 'data-tone': tone }, [make('div', { role }, content), dismiss])
  dismiss.addEventListener('click', () => {
    notice.remove()
    // The focus must not fall back to the top of the document unsaid.
    byId('workers', HTMLElement).focus({ preventScroll: true })
  })
  byId('notices', HTMLElement).append(notice)
  return notice
}
