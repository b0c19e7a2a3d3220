// One raw HTTP/1.1 connection: bytes out as the test wants them, responses in, and an exact account of how it ended.
import { once } from 'node:events'
import net from 'node:net'

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `announced`: after a response with `Connection: close`. `idle`: with nothing outstanding, unannounced. `cut`: with a response due. */
export type Ending = 'announced' | 'idle' | 'cut'

export interface HttpConnection {
  readonly socket: net.Socket
  readonly write: (bytes: string | Buffer) => void
  /** The next response. Rejects when the connection ends before it, with the code of the error if there was one. */
  readonly read: () => Promise<Response>
  /** Sends a GET and reads the response. */
  readonly get: (path: string) => Promise<Response>
  /** True after a response that ends the connection. */
  readonly isEnding: () => boolean
  /** Resolves when the other side has ended it. */
  readonly ended: Promise<Ending>
  readonly close: () => void
}

interface Reader { readonly resolve: (response: Response) => void, readonly reject: (error: Error) => void }

/**
 * @throws the error of a connection that is refused
 */
export async function connect (target: net.NetConnectOpts): Promise<HttpConnection> {
  const socket = net.connect(target)
  await once(socket, 'connect')
  const readers: Reader[] = []
  const unread: Response[] = []
  let received: Buffer = Buffer.alloc(0)
  let ending = false
  let over: Error | undefined

  const ended = new Promise<Ending>(resolve => {
    const end = (error: Error): void => {
      if (over !== undefined) return
      over = error
      resolve(readers.length > 0 || received.length > 0 ? 'cut' : ending ? 'announced' : 'idle')
      for (const { reject } of readers.splice(0)) reject(error)
      socket.destroy()
    }
    socket.on('error', end).on('end', () => end(new Error('ended'))).on('close', () => end(new Error('closed')))
  })
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    for (let parsed = parse(received); parsed !== undefined; parsed = parse(received)) {
      received = received.subarray(parsed.length)
      if (parsed.response.status < 200) continue
      if (parsed.response.headers['connection']?.toLowerCase() === 'close') ending = true
      const reader = readers.shift()
      if (reader === undefined) unread.push(parsed.response)
      else reader.resolve(parsed.response)
    }
  })

  const read = (): Promise<Response> => {
    const early = unread.shift()
    if (early !== undefined) return Promise.resolve(early)
    if (over !== undefined) return Promise.reject(over)
    return new Promise((resolve, reject) => { readers.push({ resolve, reject }) })
  }
  return {
    socket,
    write: bytes => { socket.write(bytes) },
    read,
    get (path) {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`)
      return read()
    },
    isEnding: () => ending,
    ended,
    close () {
      // Our own end is none of the server's.
      over ??= new Error('closed here')
      socket.destroy()
    }
  }
}

/** The first whole response of `bytes` and its length; undefined until it is whole. */
function parse (bytes: Buffer): { response: Response, length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const headers = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  const status = Number(statusLine.split(' ')[1])
  const start = headEnd + 4
  if (status < 200 || status === 204 || status === 304) return { response: { status, headers, body: '' }, length: start }
  if (headers['transfer-encoding'] === 'chunked') return parseChunks(bytes, start, { status, headers })
  const length = Number(headers['content-length'])
  if (!(bytes.length >= start + length)) return undefined
  return { response: { status, headers, body: bytes.toString('utf8', start, start + length) }, length: start + length }
}

function parseChunks (bytes: Buffer, start: number, head: Omit<Response, 'body'>): { response: Response, length: number } | undefined {
  const parts: Buffer[] = []
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (bytes.length < next) return undefined
    if (size === 0) return { response: { ...head, body: Buffer.concat(parts).toString() }, length: next }
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}
