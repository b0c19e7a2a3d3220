// Clients that send a byte a second, and clients that never read their answers: `slow-clients.ts <JSON of SlowClients>`. Says when all are there.
import { connect } from 'node:net'
import type { Socket } from 'node:net'

export interface SlowClients {
  readonly port: number
  readonly dripping: number
  readonly deaf: number
  /** Of a quarter of a MiB, how many each of the deaf asks for. */
  readonly answers: number
}

const BATCH = 50
const BATCH_PAUSE_MS = 20
const DRIP_MS = 1000
const HEAD = 'GET /critical HTTP/1.1\r\nHost: localhost\r\nX-Long: '
const LARGE = 'GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n'

const { port, dripping, deaf, answers } = JSON.parse(process.argv[2] ?? '{}') as SlowClients
const lost = { dripping: 0, deaf: 0 }

await open(dripping, 'dripping', drip)
await open(deaf, 'deaf', socket => {
  socket.pause()
  socket.write(LARGE.repeat(answers))
})
process.send?.({ type: 'all-there' })
process.on('message', () => process.send?.({ type: 'lost', ...lost }))
process.on('disconnect', () => process.exit())

async function open (count: number, kind: keyof typeof lost, begin: (socket: Socket) => void): Promise<void> {
  for (let opened = 0; opened < count; opened++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}).on('close', () => { lost[kind]++ }).once('connect', () => begin(socket))
    if (opened % BATCH === 0) await new Promise(resolve => setTimeout(resolve, BATCH_PAUSE_MS))
  }
}

function drip (socket: Socket): void {
  let sent = 0
  const timer = setInterval(() => { socket.write(HEAD[sent++] ?? 'x') }, DRIP_MS)
  socket.once('close', () => clearInterval(timer)).resume()
}
