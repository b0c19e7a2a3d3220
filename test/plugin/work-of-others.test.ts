// A handler that does long work in pieces, so that the loop turns in between, is no reason to refuse the others.
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify from 'fastify'
import { fastifyClusterize } from '../../src/index.ts'
import { connect } from '../helpers/http-connection.ts'

const PIECE_MS = 60

test('requests beside a handler that works in pieces are served, since the loop has time for them', async t => {
  const app = Fastify()
  t.after(() => app.close())
  await app.register(fastifyClusterize)
  let goesOn = true
  app.get('/', async () => {
    block(1)
    return 'done'
  })
  app.get('/export', async () => {
    while (goesOn) {
      block(PIECE_MS)
      await turn()
    }
    return 'done'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const target = { host: '127.0.0.1', port }

  const exporting = (await connect(target)).get('/export')
  const statuses: number[] = []
  await Promise.all(Array.from({ length: 6 }, async () => {
    const client = await connect(target)
    for (let count = 0; count < 40; count++) statuses.push((await client.get('/')).status)
    client.close()
  }))
  goesOn = false

  assert.equal((await exporting).status, 200)
  // Some may be refused until it is known what a turn is without requests.
  const refused = statuses.slice(statuses.length / 2).filter(status => status !== 200).length
  assert.ok(refused <= 12, `${refused} of 120 were refused`)
})

function block (ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
