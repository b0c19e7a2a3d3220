// The servers that are compared: one entry in plain JavaScript, told by the environment which candidate it is.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp } from './app.js'

/** @type {{ kind: 'single' | 'bare' | 'clusterize', policy?: 'rr' | 'none', workers?: number, plugin?: 'none' | object, options?: object, library: string }} */
const { kind, policy, workers = 2, plugin, options = {}, library } = JSON.parse(process.env.BENCH_CANDIDATE)
const boots = timeBoots()
const HOST = '127.0.0.1'
const SPARE_POLL = 50
const build = async () => buildApp(plugin === undefined || plugin === 'none' ? undefined : (await import(library)).default, plugin)

switch (kind) {
  case 'single': {
    const app = await build()
    await app.listen({ port: 0, host: HOST })
    announce(app.server.address().port)
    break
  }
  case 'bare': {
    if (cluster.isPrimary) await startBare()
    else await (await build()).listen({ port: 0, host: HOST, backlog: 511 })
    break
  }
  case 'clusterize': {
    const { clusterize } = await import(library)
    const result = await clusterize(plugin === undefined ? () => buildApp() : build, { workers, port: 0, host: HOST, logger: false, ...options })
    if (result.role === 'primary') {
      process.on('message', message => {
        if (message === 'reload') void reload(result)
        if (message === 'kill') void kill(result)
      })
      announce(result.addresses[0].port)
    }
    break
  }
}

async function startBare () {
  cluster.schedulingPolicy = policy === 'rr' ? cluster.SCHED_RR : cluster.SCHED_NONE
  const forked = Array.from({ length: workers }, () => cluster.fork())
  const [first] = await Promise.all(forked.map(worker => once(worker, 'listening')))
  announce(first[0].port)
}

async function reload (running) {
  const began = performance.now()
  try {
    await running.reload()
    process.send({ type: 'reloaded', ms: performance.now() - began })
  } catch (error) {
    process.send({ type: 'reload-failed', message: String(error) })
  }
}

/** From the kill of a worker until its slot is served again, once the spare that there is to be waits. */
async function kill ({ events, workers }) {
  const waits = () => workers().some(({ state }) => state === 'spare')
  while (options.spares > 0 && !waits()) await sleep(SPARE_POLL)
  const spared = waits()
  const { pid } = workers().find(({ state }) => state === 'ready')
  const began = performance.now()
  process.kill(pid, 'SIGKILL')
  await once(events, 'worker-ready')
  process.send({ type: 'restored', spared, ms: performance.now() - began })
}

/** Node tells both candidates' workers alike: 'fork', and 'message' or 'listening' once they serve. */
function timeBoots () {
  const began = new Map()
  const times = []
  cluster.on('fork', worker => began.set(worker.id, performance.now()))
  const note = worker => {
    if (began.has(worker.id)) times.push(performance.now() - began.get(worker.id))
    began.delete(worker.id)
  }
  cluster.on('listening', note)
  cluster.on('message', (worker, message) => { if (message?.['fastify-clusterize'] !== undefined && message.body?.type === 'ready') note(worker) })
  return times
}

function announce (port) {
  const pids = Object.values(cluster.workers ?? {}).map(worker => worker.process.pid)
  const bootMs = boots.reduce((sum, ms) => sum + ms, 0) / boots.length
  process.send?.({ type: 'ready', port, pids, bootMs })
}
