// The executable of the installed package, as a shell finds it: starts a cluster, asks about it, stops it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const COMMAND = path.resolve('node_modules/.bin/clusterize')
const run = promisify(execFile)
const { version } = JSON.parse(readFileSync('node_modules/fastify-clusterize/package.json', 'utf8'))
const folder = mkdtempSync(path.join(tmpdir(), 'run-'))
// Both folders that may hold admin sockets: a cluster of somebody else is not to be stopped.
const env = { ...process.env, XDG_RUNTIME_DIR: folder, TMPDIR: folder }

writeFileSync('plugin.mjs', "export default async function (app, options) { app.get('/', async () => options) }\n")
const cluster = spawn(COMMAND, ['start', 'plugin.mjs', '--port', '0', '--host', '127.0.0.1', '--workers', '1', '--admin-port', '0', '--', '--from=cli'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
const exit = once(cluster, 'exit')
try {
  const address = await addressOf(cluster.stdout)
  assert.deepEqual(await (await fetch(`http://${address}/`)).json(), { from: 'cli' })
  assert.equal((await run(COMMAND, ['--version'])).stdout.trim(), version)
  const status = JSON.parse((await run(COMMAND, ['status', '--json'], { env })).stdout)
  assert.deepEqual([status.name, status.version, status.pid], ['a-user', version, cluster.pid])
  await checkDashboard(status.admin[1])
  await run(COMMAND, ['stop'], { env })
  assert.deepEqual(await exit, [0, null])
} finally {
  cluster.kill('SIGKILL')
  rmSync(folder, { recursive: true })
}

/** The page, its modules and uPlot's come out of the package, and of nowhere else. */
async function checkDashboard (address) {
  const page = await fetch(`http://${address}/`)
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  for (const file of ['main.js', 'page.css', 'icon.svg', 'uplot.js', 'uplot.css']) {
    const { status } = await fetch(`http://${address}/dashboard/${file}`)
    assert.equal(status, 200, file)
  }
}

async function addressOf (output) {
  for await (const line of createInterface({ input: output })) {
    const { event, addresses } = JSON.parse(line)
    if (event === 'cluster-ready') return addresses[0]
  }
  throw new Error('the cluster ended before it was ready')
}
