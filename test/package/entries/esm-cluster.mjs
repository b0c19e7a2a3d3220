// An ESM user: a cluster of two workers, asked until both have answered, then closed.
import Fastify from 'fastify'
import fastifyClusterize, { clusterize, fastifyClusterize as named } from 'fastify-clusterize'
import { askBoth, busy, check } from './ask.cjs'

check(typeof fastifyClusterize === 'function', 'the default export is a plugin')
check(named === fastifyClusterize, 'the named export is the same plugin')

async function buildApp () {
  const app = Fastify()
  await app.register(fastifyClusterize)
  app.get('/', async () => {
    busy()
    return { pid: process.pid, id: app.worker.id }
  })
  return app
}

const result = await clusterize(buildApp, { port: 0, host: '127.0.0.1', workers: 2, logger: false })
if (result.role === 'primary') {
  await askBoth(result.addresses)
  await result.close()
}
