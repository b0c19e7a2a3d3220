// Request scheduling, of which the primary decides: a worker that is sent a whole connection goes by connections too.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import type { Channel } from '../../src/channel.ts'
import type { ToPrimary } from '../../src/protocol.ts'
import { createHandoffSide } from '../../src/worker/handoff-side.ts'
import { openConnections } from '../../src/worker/open-connections.ts'
import { accepted } from '../handoff/accepted.ts'
import { listening } from '../handoff/listening.ts'

void test('with request scheduling a worker that is sent whole connections counts them, and gives them away when it drains', { skip: process.platform === 'win32' }, async t => {
  const server = http.createServer((_request, response) => { response.end('{}') })
  const connections = openConnections(server)
  await listening(t, server)
  const said = new EventEmitter()
  const channel = {
    post: async (message: ToPrimary) => said.emit(message.type, message),
    deliver: (message: ToPrimary) => { said.emit(message.type, message) }
  } as unknown as Channel<ToPrimary>
  const side = await createHandoffSide(server, connections, channel, { scheduling: 'request', maxConnections: Infinity })
  const { client, handle } = await accepted(t)
  side.receive({ type: 'handoff-take', fresh: true }, handle)
  await client.get('one')
  const given = once(said, 'handoff-give') as Promise<Array<{ id: number }>>
  const ended = once(said, 'connections-ended') as Promise<Array<{ total: number }>>
  const result = side.giver?.give()
  const [give] = await given
  side.receive({ type: 'handoff-held', id: give?.id ?? 0, held: true }, undefined)
  assert.deepEqual(await result, { moved: 1, kept: 0, refused: false })
  assert.equal((await ended)[0]?.total, 1)
})
