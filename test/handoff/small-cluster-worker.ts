// A worker of the small cluster: a plain HTTP or a Fastify server that tracks, gives and takes connections, and writes down what it does.
import fs from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import { createChannel } from '../../src/channel.ts'
import type { Port } from '../../src/channel.ts'
import { trackConnections } from '../../src/handoff/connections.ts'
import type { Connections } from '../../src/handoff/connections.ts'
import { createGiver } from '../../src/handoff/give.ts'
import { createTaker } from '../../src/handoff/take.ts'
import { listenOnHandle } from '../../src/node-internals.ts'
import type { SocketHandle } from '../../src/node-internals.ts'
import type { FromFixture, ServeCommand, ToFixture } from './small-cluster.ts'

let serving: Awaited<ReturnType<typeof serve>> | undefined
let churn: NodeJS.Timeout | undefined

const channel = createChannel<FromFixture, ToFixture>(process as unknown as Port, (message, handle) => {
  switch (message.type) {
    case 'fixture-serve':
      void serve(message, handle as SocketHandle).then(value => {
        serving = value
        return channel.post({ type: 'fixture-ready' })
      })
      return
    case 'fixture-give':
      void serving?.giver.give({ max: message.max }).then(body => channel.post({ type: 'fixture-reply', id: message.id, body }))
      return
    case 'fixture-churn':
      clearInterval(churn)
      if (message.every > 0) churn = setInterval(() => { void serving?.giver.give() }, message.every)
      return
    case 'fixture-stats':
      globalThis.gc?.()
      globalThis.gc?.()
      void channel.post({ type: 'fixture-reply', id: message.id, body: { ...serving?.connections.counts(), heap: process.memoryUsage().heapUsed } })
      return
    case 'fixture-close': {
      const begin = performance.now()
      void serving?.close().then(() => channel.post({ type: 'fixture-reply', id: message.id, body: performance.now() - begin }))
      return
    }
    case 'fixture-freeze':
      void channel.post({ type: 'fixture-ready' }).then(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
      return
    case 'handoff-held': return serving?.giver.onHeld(message)
    case 'handoff-take': return serving?.take(message, handle)
  }
}, { ahead: true })

process.on('disconnect', () => {
  // Long enough for a test to see that a connection goes on being served, and never an orphan for good.
  setTimeout(() => process.exit(0), 3000)
})

async function serve (command: ServeCommand, handle: SocketHandle): Promise<{ connections: Connections, giver: ReturnType<typeof createGiver>, take: ReturnType<typeof createTaker>, close: () => Promise<void> }> {
  const log = fs.openSync(command.log, 'a')
  const note = (line: string): void => { fs.writeSync(log, `${line}\n`) }
  const { server, close } = command.fastify ? await fastifyServer(command, note) : httpServer(command, note)
  const connections = trackConnections(server)
  server.on('connection', (socket: net.Socket) => {
    if (!connections.all().some(connection => connection.socket === socket && connection.movedIn)) note(`A ${socket.remotePort} ${command.tag}`)
  })
  Object.assign(server, command.server)
  const announced: typeof channel.deliver = (message, sent, done) => {
    if (message.type === 'handoff-give') note(`G ${command.tag}`)
    channel.deliver(message, sent, done)
  }
  if (command.diesOnTake) {
    // Before Node acknowledges the handle.
    process.prependListener('internalMessage' as 'message', (message: unknown) => {
      if (JSON.stringify(message).includes('handoff-take')) process.kill(process.pid, 'SIGKILL')
    })
  }
  const giver = createGiver({ channel: { deliver: announced }, connections, port: process as unknown as Parameters<typeof createGiver>[0]['port'], timeout: 5000, atOnce: 16 })
  const take = createTaker({ channel, connections, ...(command.refuses ? { accepts: () => false } : {}) })
  await new Promise<void>(resolve => {
    server.once('listening', resolve)
    listenOnHandle(server, handle, 511)
  })
  return { connections, giver, take, close }
}

function answer ({ tag, note, headers, body, ip }: { tag: string, note: (line: string) => void, headers: http.IncomingHttpHeaders, body: Buffer, ip: string }): string {
  note(`S ${String(headers['x-id'])} ${tag}`)
  return JSON.stringify({ id: headers['x-id'], tag, pid: process.pid, ip, sum: createHash('md5').update(body).digest('hex') })
}

interface Made { server: http.Server, close: () => Promise<void> }

function httpServer ({ tag }: ServeCommand, note: (line: string) => void): Made {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const text = answer({ tag, note, headers: request.headers, body: Buffer.concat(chunks), ip: request.socket.remoteAddress ?? '' })
      const send = (): void => { response.end(text) }
      const delay = Number(request.headers['x-delay'] ?? 0)
      if (delay > 0) setTimeout(send, delay)
      else send()
    })
  })
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n')
    socket.on('data', (chunk: Buffer) => socket.write(chunk))
  })
  return { server, close: () => new Promise(resolve => server.close(() => resolve())) }
}

async function fastifyServer ({ tag }: ServeCommand, note: (line: string) => void): Promise<Made> {
  const app = Fastify()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.route({
    method: ['GET', 'POST'],
    url: '/*',
    handler: async (request, reply) => {
      const delay = Number(request.headers['x-delay'] ?? 0)
      if (delay > 0) await new Promise(resolve => { setTimeout(resolve, delay) })
      return reply.send(answer({ tag, note, headers: request.headers, body: (request.body as Buffer | undefined) ?? Buffer.alloc(0), ip: request.ip }))
    }
  })
  await app.ready()
  return { server: app.server, close: () => app.close() }
}
