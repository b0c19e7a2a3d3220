// The health routes on the app's own port: never shed, and quiet in the log, since they are asked all the time.
import type { FastifyInstance } from 'fastify'
import type { ResolvedHealthRoutes } from '../options/plugin-types.ts'
import type { PluginGate } from './gate.ts'

const CONFIG = { config: { clusterize: { shed: false } }, logLevel: 'warn' } as const

export function addHealthRoutes (app: FastifyInstance, { worker, readiness }: PluginGate, { live, ready }: ResolvedHealthRoutes): void {
  if (live !== false) app.get(live, CONFIG, async () => ({ live: true, worker: worker.id }))
  if (ready === false) return
  app.get(ready, CONFIG, async (_request, reply) => {
    const state = readiness()
    return reply.code(state === 'ready' ? 200 : 503).header('cache-control', 'no-store').send({ ready: state === 'ready', state, worker: worker.id })
  })
}
