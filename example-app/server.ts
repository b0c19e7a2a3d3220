// The server: `app.listen({ port })` has become `clusterize(buildApp, { port })`.
import { clusterize } from 'fastify-clusterize'
import type { BoundAddress, Scheduling } from 'fastify-clusterize'
import { buildApp } from './app.ts'

const { PORT = '3000', HOST = '127.0.0.1', ADMIN_PORT = '3001', SCHEDULING = 'kernel' } = process.env

const cluster = await clusterize(buildApp, {
  port: Number(PORT),
  host: HOST,
  // A wrong SCHEDULING is told by clusterize() itself.
  scheduling: SCHEDULING as Scheduling,
  name: `example-${PORT}`,
  // On loopback: everybody here may look; orders need FASTIFY_CLUSTERIZE_TOKEN, or the Unix socket.
  admin: { port: Number(ADMIN_PORT) }
})

if (cluster.role === 'primary') {
  for (const address of cluster.addresses) console.log(`serving on ${readable(address)} with ${cluster.workers().length} workers, primary is process ${process.pid}`)
  for (const address of cluster.admin) console.log(`${typeof address === 'string' ? 'admin socket at' : 'dashboard on'} ${readable(address)}`)
}

function readable (address: BoundAddress): string {
  if (typeof address === 'string') return address
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}
