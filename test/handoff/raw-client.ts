// A keep-alive client that writes its bytes itself, never retries, and remembers how its connection ended.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'

export interface Answered { status: number, id: string, tag: string, pid: number, ip: string, sum: string }

export interface RawClient {
  readonly socket: net.Socket
  readonly localPort: number
  /** Set once the connection has ended that this side did not end. */
  readonly failure: string | undefined
  /** Writes bytes as they are. */
  write: (bytes: string | Buffer) => void
  /** The next response; rejects if the connection ends first. */
  read: () => Promise<Answered>
  get: (id: string, headers?: string) => Promise<Answered>
  close: () => void
}

export function request (id: string, { body, headers = '' }: { body?: Buffer, headers?: string } = {}): Buffer {
  const head = `${body === undefined ? 'GET' : 'POST'} /${id} HTTP/1.1\r\nhost: a\r\nx-id: ${id}\r\n${headers}`
  const rest = body === undefined ? '\r\n' : `content-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head + rest), body ?? Buffer.alloc(0)])
}

export async function connect (target: net.NetConnectOpts): Promise<RawClient> {
  const socket = net.connect(target)
  const readers: Array<{ resolve: (answered: Answered) => void, reject: (error: Error) => void }> = []
  let received: Buffer = Buffer.alloc(0)
  let failure: string | undefined
  let closing = false

  const fail = (reason: string): void => {
    if (closing || failure !== undefined) return
    failure = reason
    for (const { reject } of readers.splice(0)) reject(new Error(reason))
  }
  socket.on('error', error => fail(String((error as NodeJS.ErrnoException).code)))
  socket.on('end', () => fail('ended'))
  socket.on('close', () => fail('closed'))
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    for (;;) {
      const headEnd = received.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const head = received.toString('latin1', 0, headEnd)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? bodyOfOneChunk(received, headEnd))
      if (Number.isNaN(length) || received.length < headEnd + 4 + length) return
      const body = received.toString('utf8', headEnd + 4, headEnd + 4 + length)
      received = received.subarray(headEnd + 4 + length)
      const status = Number(head.slice(9, 12))
      const parsed = body.startsWith('{') ? JSON.parse(body) as Answered : { id: '', tag: '', pid: 0, ip: '', sum: '' }
      const reader = readers.shift()
      if (reader === undefined) fail(`a response nobody asked for: ${status}`)
      else reader.resolve({ ...parsed, status })
    }
  })
  await once(socket, 'connect')

  const client: RawClient = {
    socket,
    localPort: socket.localPort ?? 0,
    get failure () { return failure },
    write: bytes => { socket.write(bytes) },
    read: () => failure === undefined
      ? new Promise((resolve, reject) => { readers.push({ resolve, reject }) })
      : Promise.reject(new Error(failure)),
    get: (id, headers) => {
      socket.write(request(id, headers === undefined ? {} : { headers }))
      return client.read()
    },
    close: () => {
      closing = true
      socket.destroy()
    }
  }
  return client
}

/** Responses here have a content-length, except a 101, which has no body. */
function bodyOfOneChunk (received: Buffer, headEnd: number): number {
  return received.toString('latin1', 0, headEnd).includes(' 101 ') ? 0 : Number.NaN
}

export interface Load {
  readonly answered: Map<string, Answered>
  /** Ids whose request had begun when the connection failed, and connections that failed without one. */
  readonly failures: Array<{ port: number, ids: string[], reason: string }>
  /** Answers that did not match their request. */
  readonly wrong: string[]
  stop: () => Promise<void>
}

export interface LoadOptions {
  target: net.NetConnectOpts
  connections: number
  /** Longest pause between two requests of a connection, in ms. */
  think: number
  random: () => number
  /** Open a new connection after a failure (with kills), or end there. */
  reconnect?: boolean
}

/** Keeps connections busy: random pauses, requests cut at random offsets, pipelined pairs, bodies with checksums. */
export function startLoad ({ target, connections, think, random, reconnect = false }: LoadOptions): Load {
  const answered = new Map<string, Answered>()
  const failures: Load['failures'] = []
  const wrong: string[] = []
  const below = (n: number): number => Math.floor(random() * n)
  const pause = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms) })
  let stopping = false
  let lastId = 0

  const exchange = async (client: RawClient, begun: string[]): Promise<void> => {
    const kinds = below(4) === 0 ? 2 : 1
    const sent = Array.from({ length: kinds }, () => {
      const id = `r${++lastId}`
      const body = below(3) === 0 ? randomBytes(below(20) === 0 ? 200_000 : below(2000)) : undefined
      return { id, sum: createHash('md5').update(body ?? '').digest('hex'), bytes: request(id, body === undefined ? {} : { body }) }
    })
    begun.push(...sent.map(({ id }) => id))
    const bytes = Buffer.concat(sent.map(one => one.bytes))
    const answers = sent.map(() => client.read())
    for (const answer of answers) answer.catch(() => {})
    let from = 0
    for (let cuts = below(3); cuts > 0; cuts--) {
      const to = from + below(bytes.length - from)
      if (to > from) client.write(bytes.subarray(from, to))
      from = to
      await pause(below(4))
    }
    client.write(bytes.subarray(from))
    for (const [index, answer] of (await Promise.all(answers)).entries()) {
      const expected = sent[index]
      if (expected === undefined || answer.id !== expected.id || answer.sum !== expected.sum || answer.status !== 200) wrong.push(`${expected?.id}: ${JSON.stringify(answer)}`)
      answered.set(answer.id, answer)
    }
    begun.length = 0
  }

  const run = async (): Promise<void> => {
    while (!stopping) {
      const begun: string[] = []
      const client = await connect(target)
      try {
        while (!stopping && client.failure === undefined) {
          await pause(below(think))
          if (client.failure === undefined) await exchange(client, begun)
        }
      } catch {
        // The client has the reason.
      }
      if (client.failure !== undefined) failures.push({ port: client.localPort, ids: [...begun], reason: client.failure })
      client.close()
      if (!reconnect) return
    }
  }

  const running = Array.from({ length: connections }, run)
  return {
    answered,
    failures,
    wrong,
    stop: async () => {
      stopping = true
      await Promise.all(running)
    }
  }
}

/** A seeded generator (mulberry32), so that a failing run can be repeated. */
export function seeded (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
