// What is remembered of all slots: when a crash loop leaves no hope that one more try would serve.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRestarts } from '../../src/primary/restarts.ts'

const OPTIONS = { delay: 100, maxDelay: 30_000, resetAfter: 60_000, jitter: 0, limit: 2, window: 60_000 }

test('a crash loop is hopeless once every slot has failed to boot since a worker last came up', () => {
  const restarts = createRestarts(OPTIONS, () => 0.5, () => 0)
  for (let failure = 0; failure < 3; failure++) restarts.recordExit(1, undefined)
  assert.deepEqual([restarts.isLooping(), restarts.isHopeless(2)], [true, false])
  restarts.recordExit(2, 10)
  assert.equal(restarts.isHopeless(2), false)
  restarts.recordExit(2, undefined)
  assert.deepEqual([restarts.isHopeless(2), restarts.isHopeless(3)], [true, false])
  restarts.recordReady()
  assert.deepEqual([restarts.isLooping(), restarts.isHopeless(2)], [true, false])
})

test('slots that fail to boot without a crash loop leave hope, and an order to begin anew gives it back', () => {
  const restarts = createRestarts(OPTIONS, () => 0.5, () => 0)
  for (const slot of [1, 2]) restarts.recordExit(slot, undefined)
  assert.equal(restarts.isHopeless(2), false)
  restarts.recordExit(1, undefined)
  assert.equal(restarts.isHopeless(2), true)
  restarts.forget()
  assert.equal(restarts.isHopeless(2), false)
})
