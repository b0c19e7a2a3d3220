import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextShare } from '../../src/shedding/shed-share.ts'
import type { ShedPeriod } from '../../src/shedding/shed-share.ts'

const period = fc.record({ served: fc.nat(1000), shed: fc.nat(1000), elapsed: fc.double({ min: 20, max: 5000, noNaN: true }), idle: fc.double({ min: 0, max: 20, noNaN: true }) })

test('is a share, whatever happens', () => {
  fc.assert(fc.property(fc.array(period, { maxLength: 60 }), periods => {
    let share = 0
    for (const one of periods) share = nextShare(share, one)
    assert.ok(share >= 0 && share <= 1, `${share}`)
  }))
})

test('follows what is shed within a second', () => {
  const share = after(0, { served: 1, shed: 4, elapsed: 25, idle: 0 }, 40)
  assert.ok(Math.abs(share - 0.8) < 0.02, `${share}`)
})

test('is nothing within a second of the loop having time again', () => {
  assert.equal(after(1, { served: 1, shed: 0, elapsed: 20, idle: 10 }, 50), 0)
})

test('is not forgotten where a busy loop sheds nobody for a moment', () => {
  assert.ok(after(0.8, { served: 5, shed: 0, elapsed: 25, idle: 0 }, 2) > 0.6)
})

function after (share: number, one: ShedPeriod, periods: number): number {
  for (let passed = 0; passed < periods; passed++) share = nextShare(share, one)
  return share
}
