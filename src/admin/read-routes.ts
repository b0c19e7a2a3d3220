// The routes that tell: health, status, history, events.
import type { FastifyInstance } from 'fastify'
import type { EventStream } from './event-stream.ts'
import { described } from './route.ts'
import { SAMPLE_INTERVAL } from './sampler.ts'
import type { Sampler } from './sampler.ts'
import { listOf, object, oneOf, whole } from './schemas.ts'
import { readinessSchema, sampleSchema, statusSchema } from './status-schema.ts'
import type { StatusSource } from './status-source.ts'

export interface ReadParts {
  readonly source: StatusSource
  readonly stream: EventStream
  readonly sampler: Pick<Sampler, 'samples'>
}

export function addReadRoutes (app: FastifyInstance, { source, stream, sampler }: ReadParts): void {
  app.get('/livez', {
    config: described({ access: 'open', summary: 'Whether the primary can answer', answers: { 200: { description: 'it does', schema: object({ live: { const: true } }) } } })
  }, async () => ({ live: true }))

  app.get('/readyz', {
    config: described({
      access: 'open',
      summary: 'Whether the cluster wants traffic',
      answers: { 200: { description: 'yes', schema: readinessSchema }, 503: { description: 'no, for these reasons', schema: readinessSchema } }
    })
  }, async (_request, reply) => {
    const readiness = source.readiness()
    return reply.code(readiness.ready ? 200 : 503).send(readiness)
  })

  app.get('/status', {
    config: described({ access: 'read', summary: 'Everything about the cluster and its workers', answers: { 200: { description: 'the status', schema: statusSchema } } })
  }, async () => source.status())

  app.get('/history', {
    config: described({ access: 'read', summary: 'The last 15 minutes of the cluster', answers: { 200: { description: 'the oldest first', schema: object({ interval: whole, samples: listOf(sampleSchema) }) } } })
  }, async () => ({ interval: SAMPLE_INTERVAL, samples: sampler.samples() }))

  app.get('/events', {
    exposeHeadRoute: false,
    config: described({
      access: 'read',
      summary: 'The last 100 events (those after Last-Event-ID), then each as it comes, the status each second and after each event, and each sample of the history',
      answers: { 200: { description: 'events by name, "status" among them', schema: oneOf('worker-ready', 'worker-exit', 'reload', 'scale', 'stop', 'status', 'sample'), mediaType: 'text/event-stream' } }
    })
  }, (request, reply) => {
    stream.checkRoom()
    reply.hijack()
    stream.add(reply.raw, Number(request.headers['last-event-id'] ?? 0) || 0)
  })
}
