import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBetweenSlices } from '../../src/shedding/between-slices.ts'
import type { BetweenSlices } from '../../src/shedding/between-slices.ts'
import { createFakeLoop } from './simulation/loop.ts'
import type { FakeLoop } from './simulation/loop.ts'

test('what a turn took is told without sleep and without those who came one after the other', () => {
  const { loop, between } = opened()
  loop.sleepUntil(10)
  loop.work(7)
  come(loop, between, [2, 2, 2, 0])
  between.turnEnded()
  loop.endTurn()
  assert.deepEqual(between.turns(loop.now()), { took: 7, requests: 0, now: 23 })
  assert.equal(between.slept(), true)
})

test('on average, where there were several', () => {
  const { loop, between } = opened()
  for (const ms of [8, 4]) {
    loop.work(ms)
    come(loop, between, [3, 0])
    between.turnEnded()
    loop.endTurn()
  }
  assert.equal(between.turns(loop.now())?.took, 6)
})

test('what came between two of them is no part of it: a request that began or ended, a turn\'s end, or something long', () => {
  const { loop, between } = opened()
  come(loop, between, [1])
  between.worked()
  come(loop, between, [20, 4])
  between.turnEnded()
  come(loop, between, [0])
  assert.deepEqual(between.turns(loop.now()), { took: 25, requests: 1, now: 25 })
})

test('a request that began in the slice before may do its work in them, unless it has ended', () => {
  const { loop, between } = opened()
  for (const [inProgress, requests] of [[1, 1], [0, 0]] as const) {
    between.turns(loop.now())
    between.worked()
    between.opens(inProgress)
    loop.work(5)
    assert.deepEqual(between.turns(loop.now()), { took: 5, requests, now: loop.now() })
  }
})

test('nothing is told where nobody waited', () => {
  const { loop, between } = opened()
  between.ends()
  come(loop, between, [1, 1])
  assert.equal(between.turns(loop.now()), undefined)
})

function opened (): { loop: FakeLoop, between: BetweenSlices } {
  const loop = createFakeLoop()
  const between = createBetweenSlices(loop)
  between.opens(0)
  return { loop, between }
}

/** One after the other, who keep the loop for so long. */
function come (loop: FakeLoop, between: BetweenSlices, ms: readonly number[]): void {
  for (const one of ms) {
    between.came(loop.now())
    loop.work(one)
  }
}
