// A drain where connections cannot move and Node knows less about them: TLS and HTTP/2.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { serve, slow } from './drain-setup.ts'
import type { Drained } from './drain-setup.ts'

const OPTIONS = { timeout: 30_000 }

function certificate (t: TestContext): { key: string, cert: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'drain-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

/** Resolves when the server has accepted a connection, whatever has come over it. */
async function untilAccepted ({ app }: Drained): Promise<void> {
  const count = (): Promise<number> => new Promise(resolve => { app.server.getConnections((_error, open) => resolve(open)) })
  while (await count() === 0) await sleep(1)
}

void test('TLS: a request finishes, and whoever has not asked for anything is let go after the grace, in the middle of the handshake too', OPTIONS, async t => {
  const { addRoutes, answer } = slow()
  const served = await serve(t, addRoutes, Fastify({ https: certificate(t) }) as unknown as FastifyInstance)
  const secure = async (): Promise<tls.TLSSocket> => {
    const socket = tls.connect({ port: served.port, host: '127.0.0.1', rejectUnauthorized: false })
    served.leave.push(() => socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }
  const [busy, quiet] = await Promise.all([secure(), secure()])
  // The record header of a ClientHello that never comes, and nothing at all.
  const [begun, silent] = await Promise.all([served.open(), served.open()])
  begun.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
  busy.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await served.inFlight(1)
  const closed = once(quiet.resume(), 'close')
  const drained = served.drain({ idleGrace: 50 })
  await Promise.all([closed, begun.ended, silent.ended])
  let text = ''
  busy.on('data', (chunk: Buffer) => { text += chunk.toString() })
  const ended = once(busy, 'close')
  answer()
  await ended
  assert.match(text, /^HTTP\/1.1 200 OK\r\n[^]*connection: close\r\n/i)
  await drained
})

void test('TLS: a client in the middle of its handshake is served within the grace', OPTIONS, async t => {
  const served = await serve(t, () => {}, Fastify({ https: certificate(t) }) as unknown as FastifyInstance)
  const raw = await served.open()
  await untilAccepted(served)
  const drained = served.drain()
  while (served.app.server.listening) await sleep(1)
  const socket = tls.connect({ socket: raw.socket, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const [first] = await once(socket, 'data') as [Buffer]
  assert.match(first.toString(), /^HTTP\/1.1 200 OK\r\n[^]*connection: close\r\n/i)
  socket.destroy()
  await drained
})

for (const kind of ['h2c', 'h2'] as const) {
  void test(`HTTP/2 (${kind}): clients hear GOAWAY, open streams finish, idle sessions end`, OPTIONS, async t => {
    const { addRoutes, answer } = slow()
    const app = kind === 'h2' ? Fastify({ http2: true, https: certificate(t) }) : Fastify({ http2: true })
    const served = await serve(t, addRoutes, app as unknown as FastifyInstance)
    const open = async (): Promise<http2.ClientHttp2Session> => {
      const session = http2.connect(`${kind === 'h2' ? 'https' : 'http'}://127.0.0.1:${served.port}`, { rejectUnauthorized: false })
      served.leave.push(() => session.destroy())
      await once(session, 'remoteSettings')
      return session
    }
    const [busy, idle] = await Promise.all([open(), open()])
    const goaways = [busy, idle].map(session => once(session, 'goaway'))
    const ends = [busy, idle].map(session => once(session, 'close'))
    const stream = busy.request({ ':path': '/slow' })
    await served.inFlight(1)
    const responded = once(stream.resume(), 'response')
    const drained = served.drain({ idleGrace: 50 })
    for (const [code] of await Promise.all(goaways)) assert.equal(code, http2.constants.NGHTTP2_NO_ERROR)
    answer()
    const [headers] = await responded as [http2.IncomingHttpStatusHeader]
    assert.equal(headers[':status'], 200)
    await Promise.all([...ends, drained])
  })
}

void test('HTTP/2: a session that begins only after GOAWAY was said is served, and ends after the grace', OPTIONS, async t => {
  const served = await serve(t, () => {}, Fastify({ http2: true, https: certificate(t) }) as unknown as FastifyInstance)
  const raw = await served.open()
  await untilAccepted(served)
  const drained = served.drain({ idleGrace: 2_000 })
  while (served.app.server.listening) await sleep(1)
  const session = http2.connect('https://localhost', {
    createConnection: () => tls.connect({ socket: raw.socket, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  })
  served.leave.push(() => session.destroy())
  const closed = once(session, 'close')
  const stream = session.request({ ':path': '/' })
  const [headers] = await once(stream.resume(), 'response') as [http2.IncomingHttpStatusHeader]
  assert.equal(headers[':status'], 200)
  await Promise.all([closed, drained])
})
