// The cluster of this moment in a row of numbers, its name and its condition.
/** @import { ClusterStatus } from '../status.ts' */
import { byId, keepChildren, make, setAttribute, setText } from './dom.js'
import { age, duration, NONE, rate, whole } from './format.js'

/** @typedef {{ label: string, value: string, more?: string, tone?: string | undefined }} Tile */

const REASONS = { booting: 'booting', stopping: 'stopping', 'crash-loop': 'crash loop', 'too-few-workers': 'too few workers' }

/** @param {ClusterStatus} status */
export function showCluster (status) {
  const { name, readiness, generation, at, startedAt, pid, addresses, scheduling, version, node } = status
  const condition = readiness.ready ? 'ready' : readiness.reasons.map(reason => REASONS[reason]).join(', ')
  setText(byId('name', HTMLElement), name)
  setText(byId('condition', HTMLElement), condition)
  setAttribute(byId('condition', HTMLElement), 'data-tone', readiness.ready ? 'good' : 'bad')
  setText(byId('facts', HTMLElement), [`generation ${generation}`, `up ${age(at - startedAt)}`, `process ${pid}`, `${scheduling} scheduling`, ...addresses.length === 0 ? [] : [`at ${addresses.join(' and ')}`]].join(' · '))
  setText(byId('version', HTMLElement), `fastify-clusterize ${version}, Node.js ${node.replace(/^v/, '')}`)
  const title = `${name}: ${condition}`
  if (document.title !== title) document.title = title
  showTiles(tilesOf(status))
}

/**
 * @param {ClusterStatus} status
 * @returns {Tile[]}
 */
function tilesOf ({ totals, workers, duration: took, queue, restarts }) {
  return [
    { label: 'Requests', value: rate(totals.perSecond), more: 'per second' },
    { label: 'Shed', value: rate(totals.shedPerSecond), more: 'per second', tone: totals.shedPerSecond > 0 ? 'warn' : undefined },
    { label: 'Median latency', value: took === null ? NONE : duration(took.p50), more: 'last minute' },
    { label: '99th percentile', value: took === null ? NONE : duration(took.p99), more: 'last minute' },
    { label: 'In flight', value: whole(totals.inFlight), more: 'requests' },
    { label: 'Connections', value: whole(totals.connections.open), more: `${whole(totals.connections.idle)} idle` },
    { label: 'Workers', value: `${workers.ready} of ${workers.wanted}`, more: othersOf(workers), tone: workers.ready < workers.wanted || workers.unhealthy > 0 ? 'warn' : undefined },
    ...queue === null ? [] : [{ label: 'Queue', value: whole(queue.waiting), more: `${whole(queue.rejectedFull + queue.rejectedTimeout)} refused`, tone: queue.waiting > 0 ? 'warn' : undefined }],
    { label: 'Restarts', value: whole(restarts), more: 'since the start' }
  ]
}

/** @param {ClusterStatus['workers']} workers */
function othersOf ({ booting, draining, unhealthy, spare }) {
  const there = Object.entries({ booting, draining, unhealthy, spare }).filter(([, count]) => count > 0)
  return there.length === 0 ? 'ready' : there.map(([state, count]) => `${count} ${state}`).join(', ')
}

/** @param {readonly Tile[]} tiles */
function showTiles (tiles) {
  const list = byId('tiles', HTMLElement)
  keepChildren(list, tiles.map(({ label }) => label), label => make('div', { class: 'tile' }, [make('dt', {}, [label]), make('dd', { class: 'tile-value' }), make('dd', { class: 'tile-more' })]))
  tiles.forEach(({ value, more = '', tone }, index) => {
    const tile = list.children[index]
    const [, first, second] = tile?.children ?? []
    if (tile === undefined || first === undefined || second === undefined) return
    setText(first, value)
    setText(second, more)
    setAttribute(tile, 'data-tone', tone)
  })
}
