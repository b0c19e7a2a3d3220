// The orders this page can give.
/** @import { ClusterStatus } from '../status.ts' */
/** @import { Order } from './order-dialog.js' */
import { AdminError, ask } from './admin.js'
import { duration, plural } from './format.js'
import { tellFailure, tellSuccess } from './notices.js'
import { askForOrder } from './order-dialog.js'

const { orders } = document.documentElement.dataset
const NO_TOKEN = 'Orders from a browser need a token, and this cluster has none. Start it with the option admin.token or the variable FASTIFY_CLUSTERIZE_TOKEN; or use the command line, which asks through the Unix socket.'

/** @param {ClusterStatus | undefined} status */
export function reload (status) {
  askFor({
    title: 'Reload the cluster?',
    text: `New code rolls in, one slot after the other: ${plural(status?.workers.wanted ?? 0, 'worker')} will be replaced. No request fails meanwhile.`,
    confirm: 'Reload',
    async send (_, given) {
      const response = await ask('reload', { method: 'POST', given })
      const { generation, duration: took } = await response.json()
      tellSuccess(`Generation ${generation} serves, after ${duration(took)}.`)
    }
  })
}

/** @param {ClusterStatus | undefined} status */
export function scale (status) {
  const wanted = status?.workers.wanted ?? 1
  askFor({
    title: 'Change the number of workers?',
    text: `It is ${wanted} now. Fewer: those with the highest numbers drain, and their connections move to the others.`,
    confirm: 'Scale',
    number: wanted,
    async send (number, given) {
      const response = await ask('scale', { method: 'POST', body: { workers: number }, given })
      const { workers } = await response.json()
      tellSuccess(`The cluster has ${plural(workers, 'worker')} now.`)
    }
  })
}

/** @param {number} id */
export function recycle (id) {
  askFor({
    title: `Recycle worker ${id}?`,
    text: 'A fresh worker takes its slot; the old one finishes its requests and ends.',
    confirm: 'Recycle',
    async send (_, given) {
      const response = await ask(`workers/${id}/recycle`, { method: 'POST', given })
      const { pid } = await response.json()
      tellSuccess(`Worker ${id} is replaced: process ${pid} serves.`)
    }
  })
}

/** @param {Pick<Order, 'title' | 'text' | 'confirm' | 'number' | 'send'>} order */
function askFor (order) {
  if (orders === 'never') return askForOrder({ title: order.title, text: NO_TOKEN, confirm: '', needsToken: false, send: async () => {} })
  askForOrder({
    ...order,
    needsToken: orders === 'token',
    failed: error => tellFailure(`${order.title.replace(/\?$/, '')}: it failed. ${error instanceof Error ? error.message : String(error)}`, error instanceof AdminError ? error.stackOfCause : undefined)
  })
}
