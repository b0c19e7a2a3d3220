import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { createRateLimit } from '../../src/admin/rate-limit.ts'

test('lets a burst pass, then so many a second, and each client on its own', () => {
  const mayAsk = createRateLimit({ perSecond: 10, burst: 5, clients: 10 })
  const passed = (client: string, times: number, now: number): number => Array.from({ length: times }, () => mayAsk(client, now)).filter(Boolean).length
  assert.equal(passed('a', 20, 0), 5)
  assert.equal(passed('b', 20, 0), 5)
  assert.equal(passed('a', 20, 1000), 5)
  assert.equal(passed('a', 20, 1200), 2)
})

test('over any time lets no more pass than burst and rate allow, and forgets the clients that ask least', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 300 })), { maxLength: 200 }), asked => {
    const mayAsk = createRateLimit({ perSecond: 10, burst: 5, clients: 3 })
    const passed: Record<string, number> = {}
    let now = 0
    for (const [client, pause] of asked) {
      now += pause
      if (mayAsk(client, now)) passed[client] = (passed[client] ?? 0) + 1
    }
    for (const count of Object.values(passed)) assert.ok(count <= 5 + now / 100, `${count} in ${now} ms`)
  }))
  const mayAsk = createRateLimit({ perSecond: 1, burst: 1, clients: 2 })
  assert.equal(mayAsk('a', 0), true)
  assert.equal(mayAsk('b', 0), true)
  assert.equal(mayAsk('c', 0), true)
  assert.equal(mayAsk('b', 0), false)
  assert.equal(mayAsk('a', 0), true)
})
