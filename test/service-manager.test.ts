// What the environment says of the service manager: taken once, and only where it is meant for this process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeServiceManager } from '../src/service-manager.ts'

void test('without a service manager there is nobody to tell and no socket', () => {
  assert.deepEqual(takeServiceManager({ PATH: '/bin', NOTIFY_SOCKET: '' }, 7), { notify: undefined, sockets: [] })
})

void test('its variables are taken out of the environment, the rest stays', () => {
  const environment = { PATH: '/bin', NOTIFY_SOCKET: '@ear', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7', LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'a:b' }
  assert.deepEqual(takeServiceManager(environment, 7), { notify: { environment: { PATH: '/bin', NOTIFY_SOCKET: '@ear' }, watchdog: 3_000 }, sockets: [3, 4] })
  assert.deepEqual(environment, { PATH: '/bin' })
})

void test('a watchdog and sockets of another process are none of ours', () => {
  const environment = { NOTIFY_SOCKET: '/ear', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8', LISTEN_FDS: '2', LISTEN_PID: '8' }
  assert.deepEqual(takeServiceManager(environment, 7), { notify: { environment: { PATH: undefined, NOTIFY_SOCKET: '/ear' }, watchdog: undefined }, sockets: [] })
})

void test('numbers that are none are as good as absent', () => {
  for (const nonsense of ['', 'many', '-1', '0', '1.5']) {
    const { notify, sockets } = takeServiceManager({ NOTIFY_SOCKET: '/ear', WATCHDOG_USEC: nonsense, LISTEN_FDS: nonsense, LISTEN_PID: '7' }, 7)
    assert.deepEqual([notify?.watchdog, sockets], [undefined, []])
  }
})
