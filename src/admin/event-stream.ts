// Server-sent events: what happened lately, then each event as it comes, the status each second and after an event, and each sample.
import type { ServerResponse } from 'node:http'
import { AdminBusyError } from '../errors.ts'
import type { AdminEvent, EventLog } from './event-log.ts'
import type { Sampler } from './sampler.ts'
import type { StatusSource } from './status-source.ts'

const INTERVAL = 1_000
const MAX_CLIENTS = 32
// What a client may leave unread, in bytes, before it is taken for gone.
const MAX_BEHIND = 1_048_576

export interface EventStream {
  /** The response is the stream's from now on. Throws FST_CLUSTERIZE_ADMIN_BUSY. */
  readonly add: (response: ServerResponse, lastEventId: number) => void
  readonly checkRoom: () => void
  readonly close: () => void
}

export interface StreamParts {
  readonly log: EventLog
  readonly source: Pick<StatusSource, 'status'>
  readonly sampler: Pick<Sampler, 'listen'>
}

export function createEventStream ({ log, source: { status }, sampler }: StreamParts): EventStream {
  const clients = new Set<ServerResponse>()
  let timer: NodeJS.Timeout | undefined
  let statusSoon: NodeJS.Immediate | undefined

  const send = (client: ServerResponse, frame: string): void => {
    if (client.writableLength > MAX_BEHIND) client.destroy()
    else client.write(frame)
  }
  const sendAll = (frame: string): void => {
    for (const client of clients) send(client, frame)
  }
  const statusFrame = (): string => frameOf('status', status())
  const forgetEvents = log.listen(event => {
    if (clients.size === 0) return
    sendAll(eventFrame(event))
    // After whatever else happens in this turn: once for all of it.
    statusSoon ??= setImmediate(() => {
      statusSoon = undefined
      sendAll(statusFrame())
    })
  })
  const forgetSamples = sampler.listen(sample => { if (clients.size > 0) sendAll(frameOf('sample', sample)) })

  function remove (client: ServerResponse): void {
    clients.delete(client)
    if (clients.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    checkRoom () {
      if (clients.size >= MAX_CLIENTS) throw new AdminBusyError()
    },
    add (response, lastEventId) {
      clients.add(response)
      // A client that goes while something is written to it.
      response.on('error', () => {}).once('close', () => remove(response))
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no', 'x-content-type-options': 'nosniff' })
      send(response, log.since(lastEventId).map(eventFrame).join('') + statusFrame())
      timer ??= setInterval(() => sendAll(statusFrame()), INTERVAL).unref()
    },
    close () {
      forgetEvents()
      forgetSamples()
      clearInterval(timer)
      clearImmediate(statusSoon)
      for (const client of clients) client.end(statusFrame())
      clients.clear()
    }
  }
}

function eventFrame ({ id, event, data }: AdminEvent): string {
  return `id: ${id}\n${frameOf(event, data)}`
}

/** JSON has no line breaks of its own, so one data line is enough. */
function frameOf (event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
