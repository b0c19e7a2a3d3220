// The feature test: true where Node behaves, false where any one behaviour is missing.
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../helpers/processes.ts'
import { canHandOff } from '../../src/handoff/can-hand-off.ts'

void test('connections can move on this Node', { skip: process.platform === 'win32' }, async () => {
  assert.equal(await canHandOff(), true)
})

void test('they cannot where idle connections are not found', async t => {
  t.mock.method(http.Server.prototype, 'closeIdleConnections', () => {})
  assert.equal(await canHandOff({ deadline: 500 }), false)
})

void test('they cannot where a connection with a request begun counts as idle', async t => {
  t.mock.method(http.Server.prototype, 'closeIdleConnections', function (this: http.Server) {
    http.Server.prototype.closeAllConnections.call(this)
  })
  assert.equal(await canHandOff({ deadline: 500 }), false)
})

void test('they cannot where a socket goes on reading', async t => {
  t.mock.method(net.Socket.prototype, 'pause', function (this: net.Socket) {
    Object.defineProperty((this as unknown as { _handle: object })._handle, 'readStop', { value: () => 0 })
    return this
  })
  assert.equal(await canHandOff({ deadline: 500 }), false)
})

void test('workers that try it at the same time do not meet one another', { skip: process.platform === 'win32' }, async t => {
  const { event } = startProcess(t, fileURLToPath(new URL('feature-test-in-cluster.ts', import.meta.url)))
  const { failures } = await event('tried')
  assert.deepEqual(failures, [0, 0, 0, 0])
})
