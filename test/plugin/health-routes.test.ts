// The health routes on the app's own port.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { PluginGate } from '../../src/plugin/gate.ts'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import type { FastifyClusterizeOptions } from '../../src/options/plugin-types.ts'
import { gateOf } from '../../src/request-gate.ts'

async function build (options: FastifyClusterizeOptions): Promise<{ app: FastifyInstance, gate: PluginGate, ask: (url: string) => Promise<readonly [number, unknown]> }> {
  const app = Fastify()
  await app.register(fastifyClusterize, options)
  const gate = gateOf<PluginGate>(app) ?? assert.fail()
  return {
    app,
    gate,
    async ask (url) {
      const answer = await app.inject(url)
      return [answer.statusCode, answer.json()]
    }
  }
}

test('there are none unless asked for, and each has its own URL or is left out', async () => {
  const none = await build({})
  assert.deepEqual([(await none.ask('/livez'))[0], (await none.ask('/readyz'))[0]], [404, 404])
  const one = await build({ health: { live: false, ready: '/health/ready' } })
  assert.deepEqual([(await one.ask('/livez'))[0], (await one.ask('/readyz'))[0], (await one.ask('/health/ready'))[0]], [404, 404, 200])
  await assert.rejects(build({ health: { live: 'livez' } }), { code: 'FST_CLUSTERIZE_INVALID_OPTION', message: /health\.live/ })
})

test('the worker lives all the while, and is ready until a stop was ordered or it drains', async () => {
  const { gate, ask } = await build({ health: true })
  assert.deepEqual(await ask('/readyz'), [200, { ready: true, state: 'ready', worker: 1 }])
  gate.expectStop()
  assert.deepEqual(await ask('/readyz'), [503, { ready: false, state: 'stopping', worker: 1 }])
  gate.startDraining('unmovable-connections')
  assert.deepEqual(await ask('/readyz'), [503, { ready: false, state: 'draining', worker: 1 }])
  assert.deepEqual(await ask('/livez'), [200, { live: true, worker: 1 }])
})

test('they are answered while everything else is shed', async () => {
  const { app, ask } = await build({ health: true, shedding: { maxInFlight: 1 } })
  let release = (): void => {}
  app.get('/held', () => new Promise<void>(resolve => { release = resolve }))
  app.get('/', async () => ({}))
  const held = app.inject('/held')
  await new Promise(setImmediate)
  assert.equal((await ask('/'))[0], 503)
  assert.equal((await ask('/readyz'))[0], 200)
  assert.equal((await ask('/livez'))[0], 200)
  release()
  await held
})
