// A cluster of one worker with an admin server, whose worker records its requests by turns: on for a while, off for a while, and counts what each cost.
import cluster from 'node:cluster'
import { performance } from 'node:perf_hooks'
import { buildApp } from './app.js'

/** @type {{ library: string, adminPort: number, period: number }} */
const { library, adminPort, period } = JSON.parse(process.env.BENCH_CANDIDATE)
const { clusterize, fastifyClusterize } = await import(library)
const { gateOf } = await import(new URL('request-gate.js', library).href)

const result = await clusterize(build, { workers: 1, port: 0, host: '127.0.0.1', logger: false, hangReport: false, name: `bench-${adminPort}`, admin: { port: adminPort } })
if (result.role === 'primary') {
  let latest
  cluster.on('message', (_worker, message) => { if (message?.type === 'turns') latest = message })
  process.on('message', () => process.send(latest))
  process.send({ type: 'ready', port: result.addresses[0].port, pids: result.workers().map(({ pid }) => pid), bootMs: 0 })
}

/** The plugin's defaults, except that nothing is shed: the server is overloaded on purpose. */
async function build () {
  const app = await buildApp(fastifyClusterize, { shedding: { maxQueueDelay: 60_000 } })
  const gate = gateOf(app)
  const { record } = gate
  gate.record = recorder => {
    record(recorder)
    takeTurns(on => record(on ? recorder : undefined), () => gate.counts().total)
  }
  return app
}

/** On and off in the order on, off, off, on, so that a drift hits both alike. */
function takeTurns (turn, requests) {
  const turns = []
  let before
  setInterval(() => {
    const now = { cpu: process.cpuUsage(), requests: requests(), at: performance.now() }
    if (before !== undefined) turns.push({ on: isOn(turns.length), cpu: total(now.cpu) - total(before.cpu), requests: now.requests - before.requests })
    before = now
    turn(isOn(turns.length))
    process.send({ type: 'turns', turns })
  }, period)
}

const isOn = index => index % 4 === 0 || index % 4 === 3
const total = ({ user, system }) => user + system
