// Who gets the next request, by a clock of the test's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHands } from '../../src/listener/hands.ts'
import type { Hands } from '../../src/listener/hands.ts'
import { seeded } from '../helpers/random.ts'

interface Worker { readonly key: number }

const WORKERS: readonly Worker[] = [{ key: 1 }, { key: 2 }, { key: 3 }]
const [A = { key: 1 }, B = { key: 2 }, C = { key: 3 }] = WORKERS

function setup (limit: number): { hands: Hands<Worker>, pass: (ms: number) => void } {
  let at = 0
  return { hands: createHands<Worker>(limit, () => at), pass: ms => { at += ms } }
}

/** Two requests at once, again and again; a blocked worker receives the second only when the first is over. */
function practise ({ hands, pass }: ReturnType<typeof setup>, ms: number, handlers: 'block' | 'wait'): void {
  for (let count = 0; count < 50; count++) {
    hands.received(hands.give(A))
    const second = hands.give(A)
    if (handlers === 'wait') hands.received(second)
    pass(ms)
    hands.end(A)
    if (handlers === 'block') hands.received(second)
    pass(ms)
    hands.end(A)
  }
}

void test('the worker with the fewest requests is the next; of equals, each in turn', () => {
  const { hands } = setup(2)
  const picked = Array.from({ length: 7 }, () => {
    const worker = hands.freest(WORKERS, 'soon')
    if (worker !== undefined) hands.give(worker)
    return worker?.key
  })
  assert.deepEqual(picked, [1, 2, 3, 1, 2, 3, undefined])
  hands.end(B)
  assert.equal(hands.freest(WORKERS, 'soon'), B)
  hands.letGo(C)
  hands.letGo(C)
  assert.equal(hands.freest(WORKERS, 'soon'), C)
  hands.forget(A)
  assert.equal(hands.freest([A, B], 'soon'), A)
})

void test('where handlers block, nothing is put behind a request that takes longer than usual', () => {
  const { hands, pass } = setup(2)
  practise({ hands, pass }, 10, 'block')
  hands.give(A)
  assert.equal(hands.freest([A], 'soon'), A)
  pass(30)
  assert.equal(hands.freest([A], 'soon'), undefined)
  assert.equal(hands.freest([A], 'however'), A)
  hands.end(A)
  assert.equal(hands.freest([A], 'soon'), A)
})

void test('of what usually takes a few ms at most, the next is always sent ahead', () => {
  const { hands, pass } = setup(2)
  practise({ hands, pass }, 0.2, 'block')
  hands.give(A)
  pass(4)
  assert.equal(hands.freest([A], 'soon'), A)
})

void test('where handlers wait, a worker gets as many as its limit allows, however long they take', () => {
  const { hands, pass } = setup(3)
  practise({ hands, pass }, 10, 'wait')
  hands.give(A)
  pass(60_000)
  assert.equal(hands.freest([A], 'soon'), A)
})

void test('notices when handlers begin to wait', () => {
  const { hands, pass } = setup(2)
  practise({ hands, pass }, 10, 'block')
  practise({ hands, pass }, 10, 'wait')
  hands.give(A)
  pass(60_000)
  assert.equal(hands.freest([A], 'soon'), A)
})

void test('the usual time is the median: a long request now and then does not change it', () => {
  const { hands, pass } = setup(2)
  const random = seeded(3)
  practise({ hands, pass }, 10, 'block')
  for (let count = 0; count < 500; count++) {
    hands.give(A)
    pass(random() < 0.1 ? 1_000 : 8 + random() * 4)
    hands.end(A)
  }
  hands.give(A)
  pass(12)
  assert.equal(hands.freest([A], 'soon'), A)
  pass(8)
  assert.equal(hands.freest([A], 'soon'), undefined)
})

void test('what was sent is late once nothing has ended for longer than usual, and never before it was sent', () => {
  const { hands, pass } = setup(3)
  practise({ hands, pass }, 20, 'wait')
  hands.give(A)
  const second = hands.give(A)
  pass(20)
  assert.equal(hands.isLate(second), false)
  pass(20)
  assert.equal(hands.isLate(second), true)
  const third = hands.give(A)
  assert.equal(hands.isLate(third), false)
  hands.end(A)
  assert.equal(hands.isLate(second), false)
})

void test('what was sent is on its way for 15 ms before it can be late, however short requests are', () => {
  const { hands, pass } = setup(3)
  practise({ hands, pass }, 0.2, 'block')
  const place = hands.give(A)
  pass(15)
  assert.equal(hands.isLate(place), false)
  pass(1)
  assert.equal(hands.isLate(place), true)
})
