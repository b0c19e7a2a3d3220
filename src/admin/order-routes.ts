// The routes that change the cluster.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MAX_WORKERS } from '../options/worker-count.ts'
import { LOG_LEVELS } from './cluster.ts'
import type { AdminCluster, LogLevel } from './cluster.ts'
import { described } from './route.ts'
import { number, object, oneOf, whole } from './schemas.ts'

const worker = object({ id: whole, pid: whole, generation: whole })

export function addOrderRoutes (app: FastifyInstance, cluster: AdminCluster): void {
  app.addHook('preHandler', async request => {
    if (request.routeOptions.config.access === 'order') logOrder(cluster, request)
  })

  app.post('/reload', {
    config: described({ access: 'order', summary: 'Rolls new code in; answers when it serves, or why it does not', answers: { 200: { description: 'done', schema: object({ generation: whole, duration: number }) } } })
  }, async () => cluster.reload())

  app.post<{ Body: { workers: number } }>('/scale', {
    schema: { body: object({ workers: { type: 'integer', minimum: 1, maximum: MAX_WORKERS } }) },
    config: described({ access: 'order', summary: 'Changes the number of workers; answers when it is so', answers: { 200: { description: 'the number that counts now', schema: object({ workers: whole }) } } })
  }, async ({ body }) => ({ workers: await cluster.scale(body.workers) }))

  app.post<{ Params: { id: string } }>('/workers/:id/recycle', {
    schema: { params: object({ id: { type: 'string', pattern: '^[1-9]\\d{0,5}$' } }) },
    config: described({ access: 'order', summary: 'Replaces one worker; answers when its replacement is ready', answers: { 200: { description: 'the replacement', schema: worker } } })
  }, async ({ params }) => cluster.recycle(Number(params.id)))

  app.post('/stop', {
    config: described({ access: 'order', summary: 'Stops the cluster as SIGTERM does; answers at once', answers: { 202: { description: 'it stops', schema: object({ stopping: { const: true } }) } } })
  }, async (_request, reply) => {
    // Once the answer is on its way: with nobody to wait for, the process ends within this turn.
    reply.raw.once('close', cluster.stop)
    return reply.code(202).send({ stopping: true })
  })

  app.post<{ Body: { level: LogLevel } }>('/log-level', {
    schema: { body: object({ level: oneOf(...LOG_LEVELS) }) },
    config: described({ access: 'order', summary: "The level of the primary's log and of the apps' loggers", answers: { 200: { description: 'set', schema: object({ level: oneOf(...LOG_LEVELS) }) } } })
  }, async ({ body: { level } }) => {
    cluster.setLogLevel(level)
    return { level }
  })
}

function logOrder (cluster: AdminCluster, { url, body, ip }: FastifyRequest): void {
  const order = { order: url, ...typeof body === 'object' && body !== null ? { body } : {}, ...ip === undefined ? {} : { from: ip } }
  cluster.log({ event: 'admin-order', ...order }, 'ordered through the admin server')
}
