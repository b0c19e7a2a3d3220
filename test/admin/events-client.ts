// Reads server-sent events.
import http from 'node:http'
import type { Where } from './setup.ts'

export interface SentEvent { readonly id: string | undefined, readonly event: string, readonly data: Record<string, unknown> }

export interface EventsClient {
  /** The first one, seen already or to come, that matches. */
  readonly find: (matches: (event: SentEvent) => boolean) => Promise<SentEvent>
  readonly seen: () => readonly SentEvent[]
  readonly ended: Promise<void>
  readonly close: () => void
}

export function listen (where: Where, headers: Readonly<Record<string, string>> = {}): Promise<EventsClient> {
  return new Promise((resolve, reject) => {
    const request = http.get({ agent: false, ...where, path: '/events', headers }, response => {
      const seen: SentEvent[] = []
      const waiting = new Set<() => void>()
      let rest = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        const frames = (rest + text).split('\n\n')
        rest = frames.pop() ?? ''
        seen.push(...frames.map(parse))
        for (const look of waiting) look()
      })
      const ended = new Promise<void>(done => { response.once('close', done) })
      resolve({
        seen: () => seen,
        ended,
        close: () => request.destroy(),
        find: matches => new Promise((found, lost) => {
          const look = (): void => {
            const event = seen.find(matches)
            if (event === undefined) return
            waiting.delete(look)
            found(event)
          }
          waiting.add(look)
          void ended.then(() => lost(new Error(`the stream ended after ${seen.map(({ event }) => event).join(', ')}`)))
          look()
        })
      })
    })
    request.once('error', reject)
  })
}

function parse (frame: string): SentEvent {
  const field = (name: string): string | undefined => frame.split('\n').find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
  return { id: field('id'), event: field('event') ?? '', data: JSON.parse(field('data') ?? '{}') as Record<string, unknown> }
}
