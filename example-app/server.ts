// The server: `app.listen({ port })` has become `clusterize(buildApp, { port })`.
import { clusterize } from 'fastify-clusterize'
import type { Scheduling } from 'fastify-clusterize'
import { buildApp } from './app.ts'

const { PORT = '3000', HOST = '127.0.0.1', SCHEDULING = 'kernel' } = process.env

// A wrong SCHEDULING is told by clusterize() itself.
const cluster = await clusterize(buildApp, { port: Number(PORT), host: HOST, scheduling: SCHEDULING as Scheduling })

if (cluster.role === 'primary') {
  for (const address of cluster.addresses) {
    const where = typeof address === 'string' ? address : `http://${address.address}:${address.port}`
    console.log(`serving on ${where} with ${cluster.workers().length} workers, primary is process ${process.pid}`)
  }
}
