// The composition root of the dashboard: follows the cluster, shows what it tells, and passes orders on.
/** @import { Sample } from '../sampler.ts' */
/** @import { ClusterStatus } from '../status.ts' */
import { ask, keepToken, token } from './admin.js'
import { addSample, setUpCharts, showHistory } from './charts.js'
import { byId } from './dom.js'
import { follow } from './event-source.js'
import { announceEvents, showEvent } from './events.js'
import { time } from './format.js'
import { askForOrder, setUpOrderDialog } from './order-dialog.js'
import { recycle, reload, scale } from './orders.js'
import { showReload } from './reload-panel.js'
import { showCluster } from './tiles.js'
import { showWorkers } from './workers.js'

/** @type {ClusterStatus | undefined} */
let status

setUpOrderDialog()
byId('reload', HTMLButtonElement).addEventListener('click', () => reload(status))
byId('scale', HTMLButtonElement).addEventListener('click', () => scale(status))
byId('forget-token', HTMLButtonElement).addEventListener('click', () => {
  keepToken(undefined)
  showToken()
  byId('reload', HTMLButtonElement).focus()
})
void setUpCharts()
void follow({ opened, told, lost, refused: () => wantToken() })

function opened () {
  showConnection('live', 'Live')
  byId('stale', HTMLElement).hidden = true
  document.body.removeAttribute('data-stale')
  void readHistory()
}

/** From the start each time: the server may be another one by now. */
async function readHistory () {
  try {
    const response = await ask('history')
    const { samples } = await response.json()
    showHistory(samples)
  } catch {
    // The stream breaks too, or brings what comes from now on.
  }
}

/**
 * @param {string} event
 * @param {object} data
 * @param {string | undefined} id
 */
function told (event, data, id) {
  if (event === 'sample') addSample(/** @type {Sample} */ (data))
  else if (event === 'status') showStatus(/** @type {ClusterStatus} */ (data))
  else showEvent(event, /** @type {import('./events.js').EventData} */ (data), id)
}

/** @param {ClusterStatus} latest */
function showStatus (latest) {
  status = latest
  announceEvents()
  for (const id of ['reload', 'scale']) byId(id, HTMLButtonElement).disabled = false
  showToken()
  showCluster(latest)
  showReload(latest)
  showWorkers(latest, recycle)
}

function showToken () {
  byId('forget-token', HTMLButtonElement).hidden = token() === null
}

/** @param {number} wait */
function lost (wait) {
  showConnection('lost', 'Reconnecting…')
  document.body.setAttribute('data-stale', '')
  const banner = byId('stale', HTMLElement)
  banner.hidden = false
  banner.textContent = `The admin server does not answer. ${status === undefined ? '' : `These are the numbers of ${time(status.at)}. `}Trying again in ${wait / 1000} s.`
}

/**
 * @param {'live' | 'lost' | 'connecting'} state
 * @param {string} text
 */
function showConnection (state, text) {
  const place = byId('connection', HTMLElement)
  place.dataset['state'] = state
  if (place.textContent !== text) place.textContent = text
}

/**
 * Resolves when somebody has given a token that the server takes.
 * @returns {Promise<void>}
 */
function wantToken () {
  keepToken(undefined)
  showToken()
  showConnection('lost', 'Needs the token')
  const button = byId('give-token', HTMLButtonElement)
  button.hidden = false
  return new Promise(resolve => {
    const openDialog = () => askForOrder({
      title: 'This cluster wants its token',
      text: 'Its numbers are for those who have the token.',
      confirm: 'Show the cluster',
      needsToken: true,
      async send (_, given) { await ask('status', { given }) },
      sent () {
        button.hidden = true
        button.removeEventListener('click', openDialog)
        resolve()
      }
    })
    button.addEventListener('click', openDialog)
    openDialog()
  })
}
