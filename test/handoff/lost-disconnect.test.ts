// A channel that ends while a handle is on its way.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { emitLostDisconnect } from '../../src/handoff/lost-disconnect.ts'

void test('disconnect comes once, whether or not a sent handle was acknowledged', { timeout: 30_000 }, async t => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lost-disconnect-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'child.cjs')
  writeFileSync(file, "process.on('message', () => {}); process.send('up')")
  const server = net.createServer().listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')

  for (const withHandle of [true, false]) {
    const child = fork(file, { execArgv: [] })
    t.after(() => child.kill('SIGKILL'))
    let disconnects = 0
    child.on('disconnect', () => disconnects++)
    emitLostDisconnect(child)
    emitLostDisconnect(child)
    await once(child, 'message')
    child.kill('SIGSTOP')
    if (withHandle) child.send('a handle', server)
    child.kill('SIGKILL')
    await once(child, 'close')
    while (disconnects === 0) await new Promise(resolve => { setTimeout(resolve, 10) })
    await new Promise(resolve => { setTimeout(resolve, 250) })
    assert.equal(disconnects, 1)
  }
})
