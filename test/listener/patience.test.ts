// How long one may wait in the queue: patience in a burst, none in a lasting overload.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPatience } from '../../src/listener/patience.ts'
import type { Patience } from '../../src/listener/patience.ts'
import { createQueue } from '../../src/listener/queue.ts'

const MAX_DELAY = 100

/** So many leave, one each `every` ms, after a wait of `waited` ms. */
function leave (patience: Patience, count: number, every: number, waited: number): number {
  for (let n = 0; n < count; n++) patience.left(waited, n * every)
  return patience.limit()
}

void test('once all who left for half a second had waited too long nobody may wait longer than is worth it', () => {
  const patience = createPatience(() => MAX_DELAY)
  assert.equal(leave(patience, 50, 10, 150), Infinity)
  patience.left(150, 500)
  assert.equal(patience.limit(), MAX_DELAY)
})

void test('that holds while they wait as long as they may, and ends once one had waited but half as long, or nobody waits', () => {
  for (const end of [(patience: Patience) => patience.left(40, 3_000), (patience: Patience) => patience.emptied()]) {
    const patience = createPatience(() => MAX_DELAY)
    assert.equal(leave(patience, 100, 10, 150), MAX_DELAY)
    assert.equal(leave(patience, 100, 10, 90), MAX_DELAY)
    end(patience)
    assert.equal(patience.limit(), Infinity)
  }
})

void test('a few long requests are no overload, however long they keep the others waiting', () => {
  assert.equal(leave(createPatience(() => MAX_DELAY), 9, 10_000, 9_000), Infinity)
})

void test('one that had not waited too long shows that the queue does not stand', () => {
  const patience = createPatience(() => MAX_DELAY)
  for (let n = 0; n < 200; n++) patience.left(n % 40 === 0 ? 90 : 150, n * 10)
  assert.equal(patience.limit(), Infinity)
})

void test('what is too long is asked for each time', () => {
  let maxDelay = MAX_DELAY
  const patience = createPatience(() => maxDelay)
  leave(patience, 100, 10, 150)
  maxDelay = 400
  assert.equal(patience.limit(), 400)
})

for (const load of [1.2, 2, 5]) {
  void test(`at ${load} times the capacity no time is lost, and who is served has waited less than is too long (simulated)`, () => {
    const [seconds, serviceMs] = [20, 10]
    const queue = createQueue<{ came: number }>({ limit: 1_024, timeout: 10_000 }, createPatience(() => MAX_DELAY))
    const waits: number[] = []
    let [served, due, freeAt] = [0, 0, 0]
    for (let now = 0; now < seconds * 1000; now++) {
      for (; due <= now; due += serviceMs / load) queue.push({ came: due }, now)
      queue.expire(now)
      if (now < freeAt) continue
      const next = queue.shift(now)
      if (next === undefined) continue
      served++
      freeAt = now + serviceMs
      // The first seconds are a burst like any other.
      if (now > 3_000) waits.push(now - next.came)
    }
    assert.ok(served >= seconds * 1000 / serviceMs - 1, `${served} served`)
    assert.ok(Math.max(...waits) <= MAX_DELAY, `${Math.max(...waits)} ms`)
  })
}
