// The app: routes and plugins, no cluster and no listening.
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import fastifyClusterize from 'fastify-clusterize'
import type { SheddingOptions } from 'fastify-clusterize'
import { jobs } from './jobs.ts'
import { shop } from './shop.ts'
import { work } from './work.ts'

const shedding: SheddingOptions = {
  reasonHeader: true,
  // Batch clients can come again, whatever they ask for.
  classify: ({ headers }) => headers['x-batch'] === undefined ? undefined : 'sheddable',
  maxInFlight: Number(process.env['MAX_IN_FLIGHT'] ?? 0) || false
}

export async function buildApp (): Promise<FastifyInstance> {
  const app = Fastify({ logger: { level: process.env['LOG_LEVEL'] ?? 'warn' } })
  await app.register(fastifyClusterize, { headers: { pid: true, generation: true }, health: true, shedding })
  await app.register(work)
  await app.register(jobs, { prefix: '/jobs' })
  await app.register(shop)

  app.get('/', async () => ({ hello: 'world', worker: app.worker.id }))

  return app
}
