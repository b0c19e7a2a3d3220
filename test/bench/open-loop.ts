// An open-loop client: requests arrive when they arrive, whether or not earlier ones are answered, over raw keep-alive sockets.
import net from 'node:net'
import { once } from 'node:events'

export interface Arrival {
  /** Since the beginning, in ms. */
  readonly at: number
  readonly path: string
}

export interface Answered extends Arrival {
  /** From the moment it should have been sent until its answer was complete, in ms. */
  readonly latency: number
  /** How long the handler says that it ran, in ms; NaN where it does not. */
  readonly ran: number
}

export interface OpenLoopResult {
  readonly answered: readonly Answered[]
  /** No answer, an answer other than 200, a connection that ended. */
  readonly failed: number
  /** How late each request was sent, in ms: the client's own fault, and part of the latencies. */
  readonly lag: readonly number[]
  /** Connections opened because none of the pool was free. */
  readonly extra: number
  /** Connections that the server ended. */
  readonly closed: number
  /** Answers other than 200, by status. */
  readonly refused: Readonly<Record<string, number>>
}

interface Client { readonly socket: net.Socket, text: string, arrival: Arrival | undefined }

/** Poisson arrivals: exponential gaps. */
export function poissonArrivals (perSecond: number, seconds: number, random: () => number, path: () => string): Arrival[] {
  const arrivals: Arrival[] = []
  for (let at = 0; ;) {
    at += -Math.log(1 - random()) / perSecond * 1000
    if (at > seconds * 1000) return arrivals
    arrivals.push({ at, path: path() })
  }
}

/** Each request goes over a free connection drawn by chance, as from a pool behind a proxy. */
export async function runOpenLoop ({ port, connections, arrivals, random, patience = 10_000 }: { port: number, connections: number, arrivals: readonly Arrival[], random: () => number, patience?: number }): Promise<OpenLoopResult> {
  const free: Client[] = []
  const sockets: Client[] = []
  const answered: Answered[] = []
  const lag: number[] = []
  let failed = 0
  let extra = 0
  let closed = 0
  const refused: Record<string, number> = {}
  let state: 'running' | 'over' = 'running'
  let began = 0
  let finish = (): void => {}
  const finished = new Promise<void>(resolve => { finish = resolve })
  const settle = (): void => { if (answered.length + failed === arrivals.length) finish() }

  const refuse = (status: string): void => {
    failed++
    refused[status] = (refused[status] ?? 0) + 1
  }
  const open = (): Client => {
    const client: Client = { socket: net.connect(port, '127.0.0.1').setNoDelay(true), text: '', arrival: undefined }
    client.socket.on('data', (bytes: Buffer) => {
      client.text += bytes.toString('latin1')
      if (!isComplete(client.text)) return
      const { arrival, text } = client
      client.text = ''
      client.arrival = undefined
      if (arrival === undefined) return
      if (text.startsWith('HTTP/1.1 200')) answered.push({ ...arrival, latency: performance.now() - began - arrival.at, ran: Number(/x-ms: ([\d.]+)/.exec(text)?.[1]) })
      else refuse(text.slice(9, 12))
      free.push(client)
      settle()
    })
    client.socket.on('end', () => client.socket.destroy()).on('error', () => {}).on('close', () => {
      if (state === 'over') return
      closed++
      const index = free.indexOf(client)
      if (index >= 0) free.splice(index, 1)
      if (client.arrival === undefined) return
      failed++
      settle()
    })
    sockets.push(client)
    return client
  }

  const send = (arrival: Arrival): void => {
    const index = Math.floor(random() * free.length)
    const client = free[index] ?? open()
    if (free.length === 0) extra++
    else free.splice(index, 1)
    client.arrival = arrival
    lag.push(performance.now() - began - arrival.at)
    client.socket.write(`GET ${arrival.path} HTTP/1.1\r\nhost: bench\r\n\r\n`)
  }

  const pool = Array.from({ length: connections }, open)
  await Promise.all(pool.map(({ socket }) => once(socket, 'connect')))
  free.push(...pool)
  began = performance.now()
  let next = 0
  const sendDue = (): void => {
    const now = performance.now() - began
    for (let due = arrivals[next]; due !== undefined && due.at <= now; due = arrivals[++next]) send(due)
    const coming = arrivals[next]
    if (coming !== undefined) setTimeout(sendDue, coming.at - now)
  }
  sendDue()
  const giveUp = setTimeout(() => finish(), (arrivals.at(-1)?.at ?? 0) + patience)
  await finished
  clearTimeout(giveUp)
  state = 'over'
  for (const { socket } of sockets) socket.destroy()
  return { answered, failed: arrivals.length - answered.length, lag, extra, closed, refused }
}

/** The benches' servers answer with content-length. */
function isComplete (text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
  return text.length >= end + 4 + length
}
