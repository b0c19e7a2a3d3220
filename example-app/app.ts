// The app: routes and plugins, no cluster and no listening.
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import fastifyClusterize from 'fastify-clusterize'
import { jobs } from './jobs.ts'
import { shop } from './shop.ts'
import { work } from './work.ts'

export async function buildApp (): Promise<FastifyInstance> {
  const app = Fastify({ logger: { level: process.env['LOG_LEVEL'] ?? 'warn' } })
  await app.register(fastifyClusterize, { headers: { pid: true, generation: true }, health: true, shedding: { reasonHeader: true } })
  await app.register(work)
  await app.register(jobs, { prefix: '/jobs' })
  await app.register(shop)

  app.get('/', async () => ({ hello: 'world', worker: app.worker.id }))

  return app
}
