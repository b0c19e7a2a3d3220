// The route of Prometheus.
import type { FastifyInstance } from 'fastify'
import type { MetricsSource } from './metrics/metrics-source.ts'
import { described } from './route.ts'
import { text } from './schemas.ts'

export function addMetricsRoute (app: FastifyInstance, metrics: MetricsSource): void {
  app.get('/metrics', {
    config: described({ access: 'read', summary: "The metrics of the cluster, and the app's own summed over the workers", answers: { 200: { description: "Prometheus' text format", schema: text, mediaType: 'text/plain' } } })
  }, async (_request, reply) => {
    const page = await metrics()
    return reply.type(page.contentType).send(page.text)
  })
}
