// One request on a connection of the primary's: its place comes back however the server answers, whether the app hears of it or not.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { trackConnections } from '../../src/handoff/connections.ts'
import type { ToPrimary } from '../../src/protocol.ts'
import { createRequestSide } from '../../src/worker/request-side.ts'
import { accepted } from '../handoff/accepted.ts'
import { listening } from '../handoff/listening.ts'

interface Asked { readonly server: http.Server, readonly socket: net.Socket, readonly answer: Promise<string>, readonly outcome: Promise<string> }

/** Has a worker's server serve `head`; `before` and `after` are an app that listens before the cluster does, or only then. */
async function ask (t: TestContext, head: string, { before, after }: { before?: (server: http.Server) => void, after?: (server: http.Server) => void } = {}): Promise<Asked> {
  const server = http.createServer((_request, response) => { response.writeHead(200, { 'content-length': 6 }).end('served') })
  before?.(server)
  const connections = trackConnections(server)
  await listening(t, server)
  const done = new EventEmitter()
  const post = async (message: ToPrimary): Promise<boolean> => done.emit(message.type, message)
  const side = createRequestSide(server, connections, { post } as unknown as Parameters<typeof createRequestSide>[2])
  after?.(server)
  const { client, handle } = await accepted(t)
  client.socket.removeAllListeners('data')
  const answer = once(client.socket, 'data').then(([bytes]) => String(bytes))
  answer.catch(() => {})
  const outcome = once(done, 'request-done').then(([said]) => (said as { outcome: string }).outcome)
  side.receive({ type: 'request-take', id: 1, head }, handle)
  return { server, socket: client.socket, answer, outcome }
}

const head = (first: string, ...headers: string[]): string => [first, ...headers, '', ''].join('\r\n')
const GET = 'GET / HTTP/1.1'
const HOST = 'host: a'
const UPGRADE = ['connection: upgrade', 'upgrade: websocket']

const OUTCOMES: ReadonlyArray<readonly [what: string, head: string, status: RegExp, outcome: string]> = [
  ['a request', head(GET, HOST), / 200 /, 'idle'],
  ['a request of HTTP/1.0 that keeps its connection', head('GET / HTTP/1.0', 'connection: keep-alive'), / 200 /, 'idle'],
  ['a request of HTTP/1.0', head('GET / HTTP/1.0'), / 200 /, 'closed'],
  ['an expectation that cannot be met', head(GET, HOST, 'expect: nope'), / 417 /, 'idle'],
  ['one with a body that now is not sent', head('POST / HTTP/1.1', HOST, 'expect: nope', 'content-length: 5'), / 417 [^]*connection: close/i, 'closed'],
  ['one with a body of unknown length that now is not sent', head('POST / HTTP/1.1', HOST, 'expect: nope', 'transfer-encoding: chunked'), / 417 [^]*connection: close/i, 'closed'],
  ['an upgrade that nobody listens for', head(GET, HOST, ...UPGRADE), / 200 /, 'idle'],
  ['a request without a host', head(GET), / 400 /, 'closed'],
  ['a malformed request', head('nonsense'), / 400 /, 'closed']
]

for (const [what, bytes, status, expected] of OUTCOMES) {
  void test(`the place of ${what} comes back`, async t => {
    const { answer, outcome } = await ask(t, bytes)
    assert.match(await answer, status)
    assert.equal(await outcome, expected)
  })
}

void test('the place of CONNECT, which nobody listens for, comes back', async t => {
  const { outcome } = await ask(t, head('CONNECT a:80 HTTP/1.1', HOST))
  assert.equal(await outcome, 'closed')
})

const refuse = (_request: http.IncomingMessage, response: http.ServerResponse): void => { response.writeHead(403).end() }
const goOn = (_request: http.IncomingMessage, response: http.ServerResponse): void => {
  response.writeContinue()
  response.end('served')
}
const take = (_request: http.IncomingMessage, socket: NodeJS.WritableStream): void => { socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n') }
/** As the documentation of Node and Fastify have it: the client may stay as long as it likes. */
const endPolitely = (_error: Error, socket: NodeJS.WritableStream): void => { socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }

const OF_THE_APP: ReadonlyArray<readonly [what: string, head: string, listen: (server: http.Server) => void, status: RegExp, outcome: string]> = [
  ['an expectation', head(GET, HOST, 'expect: nope'), server => server.on('checkExpectation', refuse), / 403 /, 'idle'],
  ['the expectation of a 100', head(GET, HOST, 'expect: 100-continue'), server => server.on('checkContinue', goOn), / 100 /, 'idle'],
  ['the expectation of a 100, which it does not meet,', head(GET, HOST, 'expect: 100-continue'), server => server.on('checkContinue', refuse), / 403 /, 'closed'],
  ['an upgrade', head(GET, HOST, ...UPGRADE), server => server.on('upgrade', take), / 101 /, 'kept'],
  ['a CONNECT', head('CONNECT a:80 HTTP/1.1', HOST), server => server.on('connect', take), / 101 /, 'kept'],
  ['a malformed request', head('nonsense'), server => server.on('clientError', endPolitely), / 400 /, 'kept']
]

for (const [what, bytes, listen, status, expected] of OF_THE_APP) {
  for (const when of ['before', 'after'] as const) {
    void test(`an app answers ${what} itself, and its place comes back (it listens ${when} the cluster)`, async t => {
      const { answer, outcome } = await ask(t, bytes, { [when]: listen })
      assert.match(await answer, status)
      assert.equal(await outcome, expected)
    })
  }
}
