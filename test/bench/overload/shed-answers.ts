// Ways to answer 503 from an onRequest hook, each in an app that does nothing else; `cpu` counts what a served request costs.
import createError from '@fastify/error'
import Fastify from 'fastify'
import type { FastifyInstance, FastifyReply, FastifyServerOptions } from 'fastify'
import { createServer } from 'node:http'
import { createWriteStream } from 'node:fs'
import { get } from 'node:http'
import { fastifyClusterize } from '../../../src/plugin/plugin.ts'
import { createShedder } from '../../../src/shedding/shedder.ts'

const BODY = '{"statusCode":503,"code":"FST_CLUSTERIZE_SHED","error":"Service Unavailable","message":"The server has more to do than it can"}'
const BUFFER = Buffer.from(BODY)
const LENGTH = String(BUFFER.length)
const TYPE = 'application/json; charset=utf-8'
const HEADERS = { 'content-type': TYPE, 'content-length': LENGTH, 'retry-after': '2' }
const RAW_HEADERS = ['content-type', TYPE, 'content-length', LENGTH, 'retry-after', '2']
const ShedError = createError('FST_CLUSTERIZE_SHED', 'The server has more to do than it can', 503)
const OBJECT = { statusCode: 503, code: 'FST_CLUSTERIZE_SHED', error: 'Service Unavailable', message: 'The server has more to do than it can' }

const prebuilt = (reply: FastifyReply): void => { reply.code(503).headers(HEADERS).send(BODY) }

const logged = (options: FastifyServerOptions): FastifyServerOptions => ({ logger: { level: 'info', stream: createWriteStream('/dev/null') }, ...options })

export const ANSWERS: Record<string, () => FastifyInstance> = {
  'served by a route: reply.send(object)': () => Fastify(),
  'bare node:http, writeHead and end': () => Fastify({ serverFactory: () => createServer((_request, response) => { response.writeHead(503, RAW_HEADERS).end(BODY) }) }),
  'before Fastify, by serverFactory': () => Fastify({ serverFactory: handler => createServer((request, response) => {
    if (request.url === '/') response.writeHead(503, RAW_HEADERS).end(BODY)
    else handler(request, response)
  }) }),
  'hook: send(new ShedError)': () => answering(Fastify(), reply => { reply.header('retry-after', '2').send(new ShedError()) }),
  'hook: send(object)': () => answering(Fastify(), reply => { reply.code(503).header('retry-after', '2').send(OBJECT) }),
  'hook: headers(prebuilt), send(string)': () => answering(Fastify(), prebuilt),
  'hook: headers(prebuilt), send(buffer)': () => answering(Fastify(), reply => { reply.code(503).headers(HEADERS).send(BUFFER) }),
  'hook: hijack, writeHead(array), end(string)': () => answering(Fastify(), reply => { reply.hijack().raw.writeHead(503, RAW_HEADERS).end(BODY) }),
  'hook: hijack, writeHead(array), end(buffer)': () => answering(Fastify(), reply => { reply.hijack().raw.writeHead(503, RAW_HEADERS).end(BUFFER) }),
  'hook: hijack, writeHead(array), end(string), no date': () => answering(Fastify(), reply => {
    reply.raw.sendDate = false
    reply.hijack().raw.writeHead(503, RAW_HEADERS).end(BODY)
  }),
  'hook with the shedder: headers(prebuilt), send(string)': () => {
    const shedder = createShedder({ maxQueueDelay: 100, waiters: { isGone: () => false, serve: prebuilt, refuse: prebuilt } })
    return answering(Fastify(), reply => {
      if (shedder.admit('normal', () => 'normal') === 'wait') shedder.wait(reply)
      else prebuilt(reply)
    })
  },
  'the plugin, everything shed': () => plugin(Fastify()),
  'the plugin, logger on, everything shed': () => plugin(Fastify(logged({}))),
  'logger on, hook: send(new ShedError)': () => answering(Fastify(logged({})), reply => { reply.header('retry-after', '2').send(new ShedError()) }),
  'logger on, hook: headers(prebuilt), send(string)': () => answering(Fastify(logged({})), prebuilt),
  'logger on, disableRequestLogging, hook: headers(prebuilt), send(string)': () => answering(Fastify(logged({ disableRequestLogging: true })), prebuilt),
  'logger on, hook: hijack, writeHead(array), end(string)': () => answering(Fastify(logged({})), reply => { reply.hijack().raw.writeHead(503, RAW_HEADERS).end(BODY) })
}

/** Sheds everything: a limit that one request fills, which is never answered. */
function plugin (app: FastifyInstance): FastifyInstance {
  void app.register(fastifyClusterize, { shedding: { maxInFlight: 1 } })
  app.get('/fill', () => new Promise(() => {}))
  app.addHook('onListen', async () => { void get(`${app.listeningOrigin}/fill`) })
  return app
}

function answering (app: FastifyInstance, answer: (reply: FastifyReply) => void): FastifyInstance {
  app.addHook('onRequest', (_request, reply) => { answer(reply) })
  return app
}

const chosen = process.send === undefined ? undefined : ANSWERS[process.argv[2] ?? '']
if (chosen !== undefined) {
  const app = chosen()
  app.get('/', (_request, reply) => { reply.send({ ok: true }) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
  process.on('disconnect', () => process.exit())
}
