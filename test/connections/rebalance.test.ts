// Connections that all began on one worker spread over those that come later, without one of them closing.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterizeOptions } from '../../src/index.ts'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'
import { startProcess, until } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { environmentOf } from './setup.ts'

const CONNECTIONS = 64
const SLOTS = 4
const BALANCED = 1.25

const SCHEDULINGS: ReadonlyArray<ClusterizeOptions> = [{ scheduling: 'kernel' }, { scheduling: 'connection', balancer: 'least-connections' }]

interface Client { readonly connection: HttpConnection, readonly pause: number, worker: string }

for (const options of SCHEDULINGS) {
  const { scheduling } = options
  void test(`${scheduling}: 64 connections of uneven rates, opened while one worker was up, spread over four without one of them closing`, { timeout: 90_000 }, async t => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gate-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const gate = { slots: [2, 3, 4], file: path.join(folder, 'open') }
    const cluster = startProcess(t, new URL('./entry.ts', import.meta.url).pathname, {
      env: environmentOf({ options: { workers: SLOTS, ...options }, server: { kind: 'http' }, gate })
    })
    const { address } = await cluster.event('listened') as unknown as { address: { address: string, port: number } }
    const target = { host: address.address, port: address.port }
    // Where the primary accepts, it begins a moment after the app has its address, and nothing tells of it.
    await until(() => accepts(target), () => 'an open port')
    const random = seeded(64)
    const clients: Client[] = []
    for (let count = 0; count < CONNECTIONS; count++) {
      const connection = await connect(target)
      t.after(() => connection.close())
      // From 5 to 50 requests a second: a tenfold spread.
      clients.push({ connection, pause: 20 + random() * 180, worker: '1' })
    }

    const counts = new Map<string, number>()
    let stopped = false
    const running = clients.map(async client => {
      while (!stopped) {
        const { status, headers } = await client.connection.get('/')
        assert.equal(status, 200)
        client.worker = headers['x-worker-id'] ?? ''
        counts.set(client.worker, (counts.get(client.worker) ?? 0) + 1)
        await sleep(client.pause)
      }
    })
    const failed = Promise.all(running)
    failed.catch(() => {})

    writeFileSync(gate.file, '')
    await cluster.event('up')
    // The load of a worker: what its connections ask for.
    const imbalance = (): number => {
      const loads = new Map(Array.from({ length: SLOTS }, (_, index) => [String(index + 1), 0]))
      for (const { worker, pause } of clients) loads.set(worker, (loads.get(worker) ?? 0) + 1000 / pause)
      const values = [...loads.values()]
      return Math.max(...values) / (values.reduce((sum, value) => sum + value, 0) / SLOTS)
    }
    const begun = performance.now()
    await until(() => imbalance() <= BALANCED, () => `balance; the busiest has ${imbalance().toFixed(2)} of the mean`)
    const took = performance.now() - begun
    t.diagnostic(`balanced to ${imbalance().toFixed(2)} after ${Math.round(took)} ms`)

    stopped = true
    await failed
    for (const { connection } of clients) assert.equal(connection.socket.destroyed, false)
  })
}

function accepts (target: net.NetConnectOpts): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(target)
    socket.once('error', () => resolve(false)).once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
