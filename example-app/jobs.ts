// An encapsulated plugin with a resource of its own: a small job queue that is finished before the worker exits.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

const JOB_MS = 250

interface Job { Body: { name: string } }

const bodySchema = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1, maxLength: 100 } }
}

export async function jobs (app: FastifyInstance): Promise<void> {
  const running = new Set<Promise<void>>()
  let finished = 0

  app.post<Job>('/', { schema: { body: bodySchema } }, async ({ body }, reply) => {
    app.log.info({ job: body.name }, 'job begins')
    const job = sleep(JOB_MS).finally(() => {
      running.delete(job)
      finished++
    })
    running.add(job)
    reply.code(202)
    return { accepted: body.name, worker: app.worker.id }
  })

  app.get('/', async () => ({ running: running.size, finished, worker: app.worker.id }))

  app.addHook('onClose', async () => {
    await Promise.all(running)
    app.log.info({ finished }, 'job queue closed')
  })
}
