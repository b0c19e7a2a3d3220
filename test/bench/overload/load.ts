// An open-loop load: requests leave at random times of their own, whether or not earlier ones were answered. Run as a process: `load.ts <JSON of Load>`.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'

export interface Phase {
  readonly rate: number
  readonly seconds: number
  /** Places in `paths`; all without it. */
  readonly paths?: readonly number[]
}

export interface Load {
  readonly port: number
  /** One after the other. */
  readonly phases: ReadonlyArray<Phase>
  /** Of these seconds at the beginning nothing is counted. */
  readonly warmup?: number
  /** Answers that take longer, in ms, are of no use. */
  readonly deadline?: number
  readonly paths?: readonly string[]
  /** How often a client that is shed asks again at once. */
  readonly retries?: number
  /** Kept-alive connections opened beforehand; more are opened when all wait for an answer. */
  readonly connections?: number
  /** Each request on a connection of its own. */
  readonly fresh?: boolean
  /** So many clients that ask again as soon as they are answered, each time over one of the connections, instead of the phases' rates: what the server can do at most. */
  readonly closed?: number
}

interface Connection {
  readonly socket: Socket
  /** When the request in progress came, NaN while there is none. */
  came: number
  path: number
  retries: number
}

const TICK_MS = 1
/** To wait for nothing in. */
const NOTHING = new Int32Array(new SharedArrayBuffer(4))
const LINGER_MS = 1000
/** Beyond these, a client finds no connection: an outcome of its own. */
const MAX_CONNECTIONS = 8000
const FIRST_CONNECTIONS = 200
/** So that no listening queue overflows, which would cost a second. */
const [OPENED_AT_ONCE, PAUSE_MS] = [50, 10]
const READ_BUFFER = 16 * 1024
const STATUS_CLASS_AT = 9
const CLOSING = 'connection: close'
const [TWO, FIVE, CLOSING_BRACE] = [0x32, 0x35, 0x7d]

const rest = (): void => {}

const load: unknown = JSON.parse(process.argv[2] ?? '{}')
run(load as Load)

function run ({ port, phases, warmup = 0, deadline = 500, paths = ['/critical', '/normal', '/sheddable'], retries = 0, closed, fresh = false, connections = fresh ? 0 : FIRST_CONNECTIONS }: Load): void {
  const requests = paths.map(path => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fresh ? 'Connection: close\r\n' : ''}\r\n`))
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0)
  const began = performance.now() + 300 + connections / OPENED_AT_ONCE * PAUSE_MS * 2
  const tally = createTally({ paths: paths.length, began: began + warmup * 1000, seconds: seconds - warmup, deadline })
  const pool = createPool(tally)
  const buffer = Buffer.allocUnsafe(READ_BUFFER)
  const arrivals = createArrivals(phases, began, paths.map((_, index) => index))
  let due = arrivals.next()
  let act = closed === undefined ? tick : startClosed
  openSlowly(0)
  look()

  function openSlowly (size: number): void {
    const next = Math.min(connections, size + OPENED_AT_ONCE)
    pool.fill(next, open)
    if (next > size) setTimeout(openSlowly, PAUSE_MS, next)
  }

  /** Not in a sleep that each answer would end: on cores that the load shares with the server, to be woken takes time from it. */
  function look (): void {
    Atomics.wait(NOTHING, 0, 0, TICK_MS)
    act()
    setImmediate(look)
  }

  function startClosed (): void {
    const now = performance.now()
    if (now < began) return
    act = rest
    for (let client = 0; client < (closed ?? 0); client++) send(client % paths.length, now)
    setTimeout(end, seconds * 1000)
  }

  function tick (): void {
    const now = performance.now()
    for (; due <= now; due = arrivals.next()) {
      tally.late(due, now)
      const among = arrivals.paths()
      send(among[Math.floor(Math.random() * among.length)] ?? 0, due)
    }
    if (due === Infinity) {
      act = rest
      setTimeout(end, LINGER_MS)
    }
  }

  function send (path: number, came: number): void {
    tally.came(path, came)
    const connection = pool.take(open)
    if (connection === undefined) {
      tally.ended(path, came, came, 'no-connection')
      return
    }
    connection.came = came
    connection.path = path
    connection.retries = retries
    connection.socket.write(requests[path] ?? '')
  }

  function open (): Connection {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer, callback: length => { read(connection, length); return true } } })
    const connection: Connection = { socket, came: NaN, path: 0, retries: 0 }
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!Number.isNaN(connection.came)) tally.ended(connection.path, connection.came, performance.now(), 'error')
      pool.lost()
    })
    return connection
  }

  /** The answers are small and their bodies end with a brace, so nothing needs parsing. */
  function read (connection: Connection, length: number): void {
    if (buffer[length - 1] !== CLOSING_BRACE || Number.isNaN(connection.came)) return
    const statusClass = buffer[STATUS_CLASS_AT]
    if (statusClass === FIVE && connection.retries > 0) {
      connection.retries--
      connection.socket.write(requests[connection.path] ?? '')
      return
    }
    const now = performance.now()
    tally.ended(connection.path, connection.came, now, statusClass === TWO ? 'served' : statusClass === FIVE ? 'shed' : 'error')
    connection.came = NaN
    if (fresh) return
    // Its client is a new one at once, so that their number stays.
    if (statusClass === FIVE && buffer.subarray(0, length).includes(CLOSING)) pool.add(open())
    else pool.give(connection)
    if (closed !== undefined) send(connection.path, now)
  }

  function end (): void {
    process.stdout.write(JSON.stringify(tally.report()) + '\n', () => process.exit())
  }
}

/** A Poisson process whose rate changes from phase to phase; Infinity after the last. */
function createArrivals (phases: readonly Phase[], began: number, all: readonly number[]): { next: () => number, paths: () => readonly number[] } {
  const left = [...phases]
  let at = began
  let ends = began
  let rate = 0
  let among = all
  return {
    paths: () => among,
    next () {
      for (;;) {
        if (rate > 0) at += -Math.log(1 - Math.random()) * 1000 / rate
        if (rate > 0 && at < ends) return at
        const phase = left.shift()
        if (phase === undefined) return Infinity
        at = ends
        ends += phase.seconds * 1000
        rate = phase.rate
        among = phase.paths ?? all
      }
    }
  }
}

interface Pool {
  readonly fill: (size: number, open: () => Connection) => void
  readonly take: (open: () => Connection) => Connection | undefined
  readonly give: (connection: Connection) => void
  readonly add: (connection: Connection) => void
  readonly lost: () => void
}

/** Takes one by chance, as requests of clients that know nothing of one another come: in the order of opening, those in a row would all be one worker's. */
function createPool (tally: Tally): Pool {
  const idle: Connection[] = []
  let size = 0

  function takeIdle (): Connection | undefined {
    const at = Math.floor(Math.random() * idle.length)
    const last = idle.pop()
    if (last === undefined || at === idle.length) return last
    const taken = idle[at]
    idle[at] = last
    return taken
  }

  return {
    fill (count, open) {
      for (; size < count; size++) idle.push(open())
    },
    take (open) {
      for (let connection = takeIdle(); connection !== undefined; connection = takeIdle()) if (!connection.socket.destroyed) return connection
      if (size >= MAX_CONNECTIONS) return undefined
      size++
      tally.opened(size)
      return open()
    },
    give (connection) { idle.push(connection) },
    add (connection) {
      size++
      idle.push(connection)
    },
    lost () { size-- }
  }
}
