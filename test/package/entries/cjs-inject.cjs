// A CommonJS user without a cluster: the plugin alone, under app.inject.
const Fastify = require('fastify')
const { check } = require('./ask.cjs')

const exported = require('fastify-clusterize')
check(typeof exported.default === 'function', 'the default export is a plugin')
check(exported.fastifyClusterize === exported.default, 'the named export is the same plugin')
check(typeof exported.clusterize === 'function', 'clusterize is exported')

async function main () {
  const app = Fastify()
  await app.register(require('fastify-clusterize').default)
  app.get('/', async () => ({ clustered: app.worker.isClustered }))
  const response = await app.inject('/')
  check(response.statusCode === 200, `the app answers 200, not ${response.statusCode}`)
  check(response.headers['x-worker-id'] === '1', 'the answer carries x-worker-id')
  check(response.json().clustered === false, 'a process alone is not clustered')
  await app.close()
}

// A rejection ends the process with code 1 by itself.
void main()
