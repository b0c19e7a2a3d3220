// What Node tells about handles on their way to another process, with a real one and handles of others in between.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { SendHandle } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Port } from '../src/channel.ts'
import { createDeliveries } from '../src/deliveries.ts'
import { emitLostDisconnect } from '../src/handoff/lost-disconnect.ts'

// Where it is told so it dies of a handle before Node acknowledges it.
const CHILD = `process.prependListener('internalMessage', ({ msg }) => { if (msg?.die) process.kill(process.pid, 'SIGKILL') })
process.on('message', (message, handle) => handle?.close())
process.send('up')`

void test('tells of each handle whether it was received, also between those that somebody else sends', async t => {
  const child = spawn(process.execPath, ['-e', CHILD], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const server = net.createServer()
  t.after(() => {
    child.kill('SIGKILL')
    server.close()
  })
  await Promise.all([once(child, 'message'), once(server.listen(0, '127.0.0.1'), 'listening')])
  emitLostDisconnect(child)
  const deliver = createDeliveries(child as unknown as Port)
  assert.ok(deliver, 'this Node tells')
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
