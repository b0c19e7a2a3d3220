// An app with everything a drain needs, and clients that leave when the test ends.
import assert from 'node:assert/strict'
import type net from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { fastifyClusterize } from '../../src/plugin/plugin.ts'
import { gateOf } from '../../src/request-gate.ts'
import { drain } from '../../src/worker/drain.ts'
import type { DrainOptions } from '../../src/worker/drain.ts'
import { openConnections } from '../../src/worker/open-connections.ts'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'

// Long enough that a test which waits for it fails by its own time limit.
const NEVER = 600_000

export interface Drained {
  readonly app: FastifyInstance
  readonly port: number
  readonly drain: (options?: Partial<DrainOptions>) => Promise<void>
  readonly open: () => Promise<HttpConnection>
  readonly inFlight: (count: number) => Promise<void>
  /** What has ended, in order. */
  readonly order: string[]
  readonly leave: Array<() => void>
}

export async function serve (t: TestContext, addRoutes: (app: FastifyInstance) => unknown = () => {}, app: FastifyInstance = Fastify()): Promise<Drained> {
  await app.register(fastifyClusterize)
  await addRoutes(app)
  app.get('/', async () => 'x')
  const order: string[] = []
  app.addHook('onClose', async () => { order.push('onClose') })
  const connections = openConnections(app.server)
  const gate = gateOf(app)
  assert.ok(gate)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as net.AddressInfo
  const leave: Array<() => void> = []
  t.after(() => {
    for (const each of leave) each()
    return app.close()
  })
  return {
    app,
    port,
    order,
    leave,
    drain: options => drain({ app, gate, connections, extraServers: [] }, { timeout: NEVER, idleGrace: NEVER, ...options }),
    async open () {
      const client = await connect({ port, host: '127.0.0.1' })
      leave.push(client.close)
      return client
    },
    async inFlight (count) {
      while (gate.inFlight() !== count) await sleep(1)
    }
  }
}

/** Routes that answer when the test says so. */
export function slow (): { addRoutes: (app: FastifyInstance) => void, answer: () => void } {
  const answers: Array<(text: string) => void> = []
  return {
    addRoutes: app => { app.get('/slow', () => new Promise(resolve => { answers.push(resolve) })) },
    answer: () => { for (const resolve of answers.splice(0)) resolve('done') }
  }
}
