// The server: `app.listen({ port })` has become `clusterize(buildApp, { port })`.
import { clusterize } from 'fastify-clusterize'
import { buildApp } from './app.ts'

const port = Number(process.env['PORT'] ?? 3000)
const host = process.env['HOST'] ?? '127.0.0.1'

const cluster = await clusterize(buildApp, { port, host })

if (cluster.role === 'primary') {
  for (const address of cluster.addresses) {
    console.log(typeof address === 'string' ? `serving on ${address}` : `serving on http://${address.address}:${address.port}`)
  }
}
