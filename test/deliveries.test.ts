// What Node tells about handles on their way to another process, with a real one and handles of others in between.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess, SendHandle } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createChannel } from '../src/channel.ts'
import type { Port } from '../src/channel.ts'
import { WINDOW, createDeliveries } from '../src/deliveries.ts'
import type { Deliver } from '../src/deliveries.ts'
import { emitLostDisconnect } from '../src/handoff/lost-disconnect.ts'

// Where it is told so it dies of a handle before Node acknowledges it.
const CHILD = `process.prependListener('internalMessage', ({ msg }) => { if (msg?.die) process.kill(process.pid, 'SIGKILL') })
process.on('message', (message, handle) => handle?.close())
process.send('up')`

// Writes down what it got.
const WRITING_CHILD = `process.on('message', ({ name }, handle) => {
  handle?.close()
  require('node:fs').appendFileSync(process.argv[1], name + '\\n')
})
process.send('up')`

// Sends what it got back ten times, as fast as a worker that gives connections away, and dies of it.
const DYING_CHILD = `process.on('message', (message, handle) => {
  for (let n = 0; n < 10; n++) {
    for (const sent of [handle, undefined]) {
      process._handleQueue = null
      process.send({ 'fastify-clusterize': 'post', id: 0, body: { n } }, sent)
    }
  }
  require('node:fs').writeFileSync(process.argv[1], '')
  process.kill(process.pid, 'SIGKILL')
})
process.send('up')`

const PATIENCE = 30_000

function fileFor (t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'deliveries-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return path.join(folder, 'file')
}

function blockFor (ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

async function start (t: TestContext, code: string, ...args: string[]): Promise<{ child: ChildProcess, server: net.Server, deliver: Deliver }> {
  const child = spawn(process.execPath, ['-e', code, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const server = net.createServer()
  t.after(() => {
    child.kill('SIGKILL')
    server.close()
  })
  await Promise.all([once(child, 'message'), once(server.listen(0, '127.0.0.1'), 'listening')])
  emitLostDisconnect(child)
  const deliver = createDeliveries(child as unknown as Port, { ahead: true })
  assert.ok(deliver, 'this Node tells')
  return { child, server, deliver }
}

void test('a process sends many in one turn of its loop, and what others send keeps its place among them', async t => {
  const file = fileFor(t)
  writeFileSync(file, '')
  const got = (): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1)
  const { child, server, deliver } = await start(t, WRITING_CHILD, file)
  // As connections travel: a bare handle, which Node leaves to its owner.
  const { _handle: handle } = server as unknown as { _handle: SendHandle }
  const received: string[] = []
  const send = (name: string): void => deliver({ name }, handle, ok => { if (ok) received.push(name) })
  const names = (name: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${name} ${index}`)
  const early = names('early', 20)

  for (const name of early) send(name)
  // Not a turn of this loop until all are there.
  const deadline = Date.now() + PATIENCE
  while (got().length < early.length && Date.now() < deadline);
  assert.deepEqual([got(), received], [early, []])

  child.send({ name: 'text' })
  child.send({ name: 'foreign' }, server)
  const late = names('late', 2 * WINDOW)
  for (const name of late) send(name)
  while (received.length < early.length + late.length) await nextTurn()
  assert.deepEqual(received, [...early, ...late])
  assert.deepEqual(got(), [...early, 'text', 'foreign', ...late])
})

void test('tells of each handle whether it was received, also between those that somebody else sends', async t => {
  const { child, server, deliver } = await start(t, CHILD)
  const outcomes: string[] = []
  const send = (name: string, die = false): void => deliver({ name, die }, server as SendHandle, received => { outcomes.push(`${name} ${received}`) })
  const foreign = (): void => { child.send({ foreign: true }, server, {}, () => {}) }
  const exited = once(child, 'exit')

  foreign()
  send('a')
  foreign()
  foreign()
  send('b')
  child.send({ text: 'no handle' }, undefined, {}, () => {})
  send('c')
  while (outcomes.length < 3) await nextTurn()
  assert.deepEqual(outcomes.splice(0), ['a true', 'b true', 'c true'])

  send('d')
  foreign()
  send('e', true)
  foreign()
  send('f')
  await exited
  while (outcomes.length < 3) await nextTurn()
  send('g')
  await nextTurn()
  assert.deepEqual(outcomes, ['d true', 'e false', 'f false', 'g false'])
})

void test('reads all that a killed process has sent, however late it gets to it', async t => {
  const file = fileFor(t)
  const { child, server } = await start(t, DYING_CHILD, file)
  const { _handle: handle } = server as unknown as { _handle: SendHandle }
  let messages = 0
  let handles = 0
  createChannel(child as unknown as Port, (_message, received) => {
    messages++
    if (received === undefined) return
    handles++;
    (received as net.Server).close()
  })
  const ended = once(child, 'disconnect')
  child.send({}, handle, {}, () => {})
  // Busy until after its death, as a primary under load is.
  for (const deadline = Date.now() + PATIENCE; !existsSync(file) && Date.now() < deadline;) blockFor(5)
  blockFor(100)
  await ended
  await nextTurn()
  assert.deepEqual({ messages, handles }, { messages: 20, handles: 10 })
})
