import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_SHEDDING, nextLevel, servedAtOnce } from '../../src/shedding/controller.ts'
import { UNKNOWN_SERVICE, nextServiceTime, targetDelay } from '../../src/shedding/target-delay.ts'

const LONG_BUSY = 10_000
const period = fc.record({ elapsed: fc.double({ min: 20, max: 5000, noNaN: true }), delay: fc.double({ min: 0, max: 5000, noNaN: true }), idle: fc.double({ min: 0, max: 1, noNaN: true }), busy: fc.double({ min: 0, max: 1e6, noNaN: true }), target: fc.double({ min: 1, max: 500, noNaN: true }) })

test('the share stays between nothing and nearly everything, whatever happens', () => {
  fc.assert(fc.property(fc.array(period, { maxLength: 60 }), periods => {
    let level = NO_SHEDDING
    for (const one of periods) {
      level = nextLevel(level, one)
      assert.ok(level.share >= 0 && level.share <= 0.995, `${level.share}`)
    }
  }))
})

test('a longer delay never leads to a smaller share', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 0.995, noNaN: true }), period, fc.double({ min: 0, max: 5000, noNaN: true }), (share, one, more) => {
    const less = nextLevel({ share, delay: 1 }, one)
    assert.ok(nextLevel({ share, delay: 1 }, { ...one, delay: one.delay + more }).share >= less.share)
  }))
})

test('does not begin while the loop has slept lately', () => {
  assert.equal(nextLevel(NO_SHEDDING, { elapsed: 20, delay: 1000, idle: 0, busy: 400, target: 20 }).share, 0)
  assert.ok(nextLevel(NO_SHEDDING, { elapsed: 20, delay: 1000, idle: 0, busy: LONG_BUSY, target: 20 }).share > 0)
})

test('sheds nothing within a second of the loop having time again', () => {
  let level = { share: 0.995, delay: 50 }
  for (let periods = 0; periods < 50; periods++) level = nextLevel(level, { elapsed: 20, delay: 0, idle: 0.5, busy: 0, target: 20 })
  assert.equal(level.share, 0)
})

test('holds its share while the delay is as wanted', () => {
  const level = nextLevel({ share: 0.4, delay: 1 }, { elapsed: 20, delay: 20, idle: 0, busy: LONG_BUSY, target: 20 })
  assert.equal(level.share, 0.4)
})

test('near the capacity a short queue is let be, far above it only an empty one', () => {
  assert.ok(servedAtOnce(0) > 1)
  assert.ok(servedAtOnce(0.5) < 0.5)
  assert.equal(servedAtOnce(0.9), servedAtOnce(0.5))
})

test('the delay to hold has room for two handlers, between half and two thirds of the budget', () => {
  assert.equal(targetDelay(90, UNKNOWN_SERVICE), 45)
  assert.equal(targetDelay(90, served(20, 5)), 45)
  assert.equal(targetDelay(90, served(125, 5)), 50)
  assert.equal(targetDelay(90, served(1000, 5)), 60)
})

test('the time of a handler is learned anew when it changes', () => {
  let service = served(1000, 5)
  for (let periods = 0; periods < 60; periods++) service = nextServiceTime(service, 20, 4)
  assert.ok(Math.abs(service.busy / service.served - 5) < 1, `${service.busy / service.served} ms`)
})

function served (busy: number, count: number): { busy: number, served: number } {
  return nextServiceTime(UNKNOWN_SERVICE, busy, count)
}
