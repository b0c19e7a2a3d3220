// The app all candidates serve: a small answer, and handlers that block for a given time without using the CPU.
import Fastify from 'fastify'

const cell = new Int32Array(new SharedArrayBuffer(4))

export async function buildApp (plugin, options) {
  const app = Fastify({ logger: false })
  if (plugin !== undefined) await app.register(plugin, options)
  app.get('/', async () => ({ hello: 'world' }))
  // Many workers fit on few CPUs this way: a blocked loop without a busy CPU.
  app.get('/block/:ms', (request, reply) => {
    const began = performance.now()
    Atomics.wait(cell, 0, 0, Number(request.params.ms))
    // A wait overshoots a little, which no scheduler is to blame for.
    reply.header('x-ms', performance.now() - began).send({ hello: 'world' })
  })
  return app
}
