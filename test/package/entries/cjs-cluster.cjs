// A CommonJS user: the same cluster by require().
const Fastify = require('fastify')
const { clusterize, default: fastifyClusterize } = require('fastify-clusterize')
const { askBoth, busy } = require('./ask.cjs')

async function buildApp () {
  const app = Fastify()
  await app.register(fastifyClusterize)
  app.get('/', async () => {
    busy()
    return { pid: process.pid, id: app.worker.id }
  })
  return app
}

async function main () {
  const result = await clusterize(buildApp, { port: 0, host: '127.0.0.1', workers: 2, logger: false })
  if (result.role !== 'primary') return
  await askBoth(result.addresses)
  await result.close()
}

// A rejection ends the process with code 1 by itself.
void main()
