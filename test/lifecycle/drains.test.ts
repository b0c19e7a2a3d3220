// A stop of a whole cluster while what takes long is under way: each comes to its end, and only then the workers go.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { ended } from '../cluster/start-cluster.ts'
import { createCertificate } from '../helpers/certificate.ts'
import { startProcess } from '../helpers/processes.ts'
import type { Started } from '../helpers/processes.ts'

const CHUNK = Buffer.alloc(64 * 1024, 'u')
const UPLOAD_CHUNKS = 20
const DOWNLOAD_CHUNKS = 60

interface Server extends Started { readonly port: number }

async function start (t: TestContext, kind: 'http' | 'https' | 'h2', scheduling = 'kernel'): Promise<Server> {
  const setup = { kind, certificate: kind === 'http' ? {} : createCertificate(), options: { scheduling, idleGrace: 100, ...scheduling === 'request' ? { concurrency: 8 } : {} } }
  const started = startProcess(t, 'streams.ts', { env: { STREAMS: JSON.stringify(setup) } })
  const { address } = await started.event('up') as unknown as { address: { port: number } }
  return { ...started, port: address.port }
}

async function textOf (response: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return Buffer.concat(parts)
}

/** Begins an upload, and returns what sends the rest and reads the answer. */
async function beginUpload (request: http.ClientRequest): Promise<() => Promise<{ sha1: string }>> {
  request.write(CHUNK)
  await once(request, 'socket')
  return async () => {
    const answer = once(request, 'response') as Promise<[http.IncomingMessage]>
    for (let sent = 1; sent < UPLOAD_CHUNKS; sent++) {
      if (!request.write(CHUNK)) await once(request, 'drain')
    }
    request.end()
    const [response] = await answer
    assert.equal(response.statusCode, 200)
    return JSON.parse((await textOf(response)).toString()) as { sha1: string }
  }
}

const upload = { method: 'POST', path: '/upload', headers: { 'content-type': 'application/octet-stream' }, agent: false } as const
const SHA1 = createHash('sha1').update(Buffer.concat(Array.from({ length: UPLOAD_CHUNKS }, () => CHUNK))).digest('hex')

for (const scheduling of ['kernel', 'connection', 'request']) {
  test(`a long upload, a long download, server-sent events and a WebSocket end whole, told where the app tells them (${scheduling})`, async t => {
    const server = await start(t, 'http', scheduling)
    const target = { host: '127.0.0.1', port: server.port, agent: false }
    const finishUpload = await beginUpload(http.request({ ...target, ...upload }))
    const [[download], [events]] = await Promise.all([
      once(http.get({ ...target, path: `/download?chunks=${DOWNLOAD_CHUNKS}` }), 'response') as Promise<[http.IncomingMessage]>,
      once(http.get({ ...target, path: '/events' }), 'response') as Promise<[http.IncomingMessage]>
    ])
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/live`)
    await once(socket, 'open')
    socket.send('hello')
    await once(socket, 'message')

    server.kill('SIGTERM')
    await server.event('draining')
    const closed = once(socket, 'close') as Promise<[number]>

    const [told, downloaded, uploaded, [code]] = await Promise.all([textOf(events), textOf(download), finishUpload(), closed])
    assert.match(told.toString(), /^(data: tick\n\n)+event: end\ndata: reconnect\n\n$/)
    assert.equal(downloaded.length, DOWNLOAD_CHUNKS * CHUNK.length)
    assert.deepEqual(uploaded, { sha1: SHA1 })
    assert.equal(code, 1001)
    assert.deepEqual(await ended(server), { code: 0, signal: null })
  })
}

test('TLS: an upload and a download under way finish', async t => {
  const server = await start(t, 'https')
  const target = { host: '127.0.0.1', port: server.port, agent: false, rejectUnauthorized: false }
  const finishUpload = await beginUpload(https.request({ ...target, ...upload }))
  const [download] = await once(https.get({ ...target, path: `/download?chunks=${DOWNLOAD_CHUNKS}` }), 'response') as [http.IncomingMessage]

  server.kill('SIGTERM')
  await server.event('draining')

  const [downloaded, uploaded] = await Promise.all([textOf(download), finishUpload()])
  assert.equal(downloaded.length, DOWNLOAD_CHUNKS * CHUNK.length)
  assert.deepEqual(uploaded, { sha1: SHA1 })
  assert.deepEqual(await ended(server), { code: 0, signal: null })
})

test('HTTP/2: clients hear GOAWAY, and open streams finish', async t => {
  const server = await start(t, 'h2')
  const session = http2.connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const download = session.request({ ':path': `/download?chunks=${DOWNLOAD_CHUNKS}` })
  const upstream = session.request({ ':method': 'POST', ':path': '/upload', 'content-type': 'application/octet-stream' })
  upstream.write(CHUNK)
  const answer = once(upstream, 'response')
  await once(download, 'response')

  const goaway = once(session, 'goaway') as Promise<[number]>
  server.kill('SIGTERM')
  assert.equal((await goaway)[0], http2.constants.NGHTTP2_NO_ERROR)
  for (let sent = 1; sent < UPLOAD_CHUNKS; sent++) upstream.write(CHUNK)
  upstream.end()

  await answer
  const [downloaded, uploaded] = await Promise.all([textOf(download), textOf(upstream)])
  assert.equal(downloaded.length, DOWNLOAD_CHUNKS * CHUNK.length)
  assert.deepEqual(JSON.parse(uploaded.toString()), { sha1: SHA1 })
  assert.deepEqual(await ended(server), { code: 0, signal: null })
})
