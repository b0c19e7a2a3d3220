// One candidate with its workers: `server.ts <JSON of AppOptions>`. Tells its port to whoever forked it.
import cluster from 'node:cluster'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { clusterize } from '../../../src/clusterize.ts'
import type { WorkerView } from '../../../src/index.ts'
import { buildApp } from './app.ts'
import type { AppOptions } from './app.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as AppOptions
const HOST = '127.0.0.1'

if (options.candidate === 'clusterize') {
  const running = await clusterize(() => buildApp(options), { port: 0, host: HOST, backlog: options.backlog, workers: options.workers, scheduling: options.scheduling ?? 'kernel', ...options.queueTimeout === undefined ? {} : { queue: { timeout: options.queueTimeout } }, logger: false })
  const [address] = 'addresses' in running ? running.addresses : []
  if (running.role === 'primary' && typeof address === 'object') announce(address.port)
  process.on('message', () => {
    if (running.role === 'primary') process.send?.({ type: 'shares', shares: sharesOf(running.workers()) })
  })
} else if (cluster.isPrimary) {
  // Node's default. With a shared socket an idle worker may take all that come at once, and nothing would move them.
  cluster.schedulingPolicy = cluster.SCHED_RR
  const forked = Array.from({ length: options.workers }, () => cluster.fork())
  const [first] = await Promise.all(forked.map(worker => once(worker, 'listening') as Promise<[AddressInfo]>))
  announce(first?.[0].port ?? 0)
} else {
  await (await buildApp(options)).listen({ port: 0, host: HOST, backlog: options.backlog })
}

/** Of the requests that came and that were served, by worker. */
function sharesOf (workers: readonly WorkerView[]): Array<{ came: number, served: number }> {
  return workers.map(({ snapshot }) => ({ came: snapshot?.requests.total ?? 0, served: (snapshot?.requests.total ?? 0) - (snapshot?.requests.shed ?? 0) }))
}

function announce (port: number): void {
  process.send?.({ type: 'port', port })
  process.on('disconnect', () => process.exit())
}
