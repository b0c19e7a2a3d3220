// How long what is sent to a worker is on its way.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransit } from '../../src/handoff/transit.ts'

interface Way { readonly send: (count: number) => void, readonly receive: (count: number, every: number) => void, readonly delay: () => number, readonly forget: () => void }

function setup (): Way {
  const worker = {}
  let at = 0
  const transit = createTransit<object>(() => at)
  return {
    send: count => { for (let n = 0; n < count; n++) transit.sent(worker) },
    receive: (count, every) => {
      for (let n = 0; n < count; n++) {
        at += every
        transit.arrived(worker)
      }
    },
    delay: () => transit.delay(worker),
    forget: () => transit.forget(worker)
  }
}

void test('is the number under way times the usual time from one receipt to the next', () => {
  const { send, receive, delay } = setup()
  send(100)
  assert.equal(delay(), 500)
  receive(60, 8)
  assert.ok(Math.abs(delay() - 320) < 1, `${delay()}`)
  send(20)
  assert.ok(Math.abs(delay() - 480) < 1, `${delay()}`)
})

void test('time in which there was nothing to receive does not count', () => {
  const { send, receive, delay } = setup()
  send(91)
  receive(91, 8)
  send(1)
  receive(1, 10_000)
  send(10)
  assert.ok(Math.abs(delay() - 80) < 1, `${delay()}`)
})

void test('a long stall is forgotten though nobody is sent a second connection before it has the first', () => {
  const { send, receive, delay } = setup()
  send(2)
  receive(2, 2_000)
  send(1)
  assert.ok(delay() > 200, `${delay()}`)
  receive(1, 4)
  for (let count = 0; count < 20; count++) {
    send(1)
    receive(1, 4)
  }
  send(1)
  assert.ok(delay() < 25, `${delay()}`)
})

void test('nothing is known of a worker that is forgotten, and receipts that come late count for nothing', () => {
  const { send, receive, delay, forget } = setup()
  send(10)
  receive(5, 5)
  forget()
  receive(5, 500)
  assert.equal(delay(), 0)
  send(1)
  assert.equal(delay(), 5)
})
