// From how many copies of its listening socket a worker accepts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MOST_COPIES, nextCopies } from '../../src/worker/accept-policy.ts'

const TURNS = 10
const LONG = 5
/** What comes out once the same has been seen often enough, `each` being the connections a turn and socket. */
function settled (copies: number, each: (sockets: number) => number, { turn = LONG, idle = 0 } = {}): number {
  for (let looks = 0; looks < 10; looks++) {
    copies = nextCopies(copies, { accepted: each(copies + 1) * (copies + 1) * TURNS, turns: TURNS, elapsed: turn * TURNS, idle: idle * turn * TURNS })
  }
  return copies
}

void test('a loop that has no rest and leaves connections waiting in long turns takes all there are, at once', () => {
  assert.equal(nextCopies(0, { accepted: TURNS, turns: TURNS, elapsed: LONG * TURNS, idle: 0 }), MOST_COPIES)
})

void test('what is taken settles at what comes', () => {
  for (const waiting of [1, 5, 20, 60]) {
    const copies = settled(MOST_COPIES, sockets => Math.min(1, waiting / sockets))
    assert.ok(copies + 1 >= Math.min(waiting, 4) && copies <= 10 * waiting, `${copies} for ${waiting}`)
  }
})

void test('short turns are worth some connections each, and no more', () => {
  assert.equal(settled(0, () => 1, { turn: 0.5 }), 3)
})

void test('a loop that sleeps gives its copies up, one that sleeps little keeps some', () => {
  assert.equal(settled(MOST_COPIES, () => 0.1, { idle: 0.8 }), 0)
  assert.equal(settled(0, () => 1, { idle: 0.2 }), settled(MOST_COPIES, () => 1, { idle: 0.2 }))
})

void test('is a whole number from 0 to the most, whatever was seen', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(fc.property(fc.integer({ min: 0, max: MOST_COPIES }), share, fc.integer({ min: 2, max: 1000 }), fc.double({ min: 50, max: 1e6, noNaN: true }), share, (copies, each, turns, elapsed, idle) => {
    const next = nextCopies(copies, { accepted: Math.round(each * turns * (copies + 1)), turns, elapsed, idle: idle * elapsed })
    assert.ok(Number.isInteger(next) && next >= 0 && next <= MOST_COPIES, `${next}`)
  }))
})
