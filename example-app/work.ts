// Routes that load a worker in different ways: by computing, by waiting, by streaming.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

interface Rounds { Querystring: { rounds: number } }
interface Delay { Querystring: { ms: number } }
interface Ticks { Querystring: { count: number } }

const whole = (name: string, initial: number, maximum: number): object => ({
  querystring: { type: 'object', properties: { [name]: { type: 'integer', minimum: 1, maximum, default: initial } } }
})

export async function work (app: FastifyInstance): Promise<void> {
  // Keeps the event loop busy: about a millisecond for each thousand rounds.
  app.get<Rounds>('/cpu', { schema: whole('rounds', 5_000, 1_000_000) }, async ({ query }) => {
    let digest = 'fastify'
    for (let round = 0; round < query.rounds; round++) digest = createHash('sha256').update(digest).digest('hex')
    return { digest, worker: app.worker.id }
  })

  // Waits, as for a database: the event loop is free meanwhile.
  app.get<Delay>('/slow', { schema: whole('ms', 1_000, 60_000) }, async ({ query }) => {
    await sleep(query.ms)
    return { waited: query.ms, worker: app.worker.id }
  })

  // A line each 100 ms; a worker that drains ends the stream after the line it is at.
  app.get<Ticks>('/stream', { schema: whole('count', 10, 10_000) }, async ({ query }, reply) => {
    reply.type('text/plain; charset=utf-8')
    return reply.send(Readable.from(ticks(query.count, app.worker.draining)))
  })
}

async function * ticks (count: number, draining: AbortSignal): AsyncGenerator<string> {
  for (let tick = 1; tick <= count; tick++) {
    yield `tick ${tick}\n`
    if (draining.aborted) return yield 'this worker drains, please come back\n'
    await sleep(100)
  }
}
