// Routes that matter more and less: under overload suggestions are shed first and orders last.
import type { FastifyInstance } from 'fastify'

/** Keeps the event loop for so long, as real work would. */
const WORK_MS = 5

export async function shop (app: FastifyInstance): Promise<void> {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const work = (): void => { Atomics.wait(cell, 0, 0, WORK_MS) }

  app.get('/orders', { config: { clusterize: { priority: 'critical' } } }, async () => {
    work()
    return { ordered: true, worker: app.worker.id }
  })

  app.get('/suggestions', { config: { clusterize: { priority: 'sheddable' } } }, async () => {
    work()
    return { suggestions: ['a book', 'a pen'], worker: app.worker.id }
  })
}
