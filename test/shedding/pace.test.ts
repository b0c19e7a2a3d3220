import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace } from '../../src/shedding/pace.ts'

const SLICE = 25

test('in the time of others no more begins than the loop can do, but for a slice and the one that ends it', () => {
  const pace = createPace(SLICE)
  let begun = 0
  for (let now = 0; now <= 1000; now++) {
    pace.others(now, SLICE)
    for (; pace.allows(); begun++) pace.spend(5)
  }
  assert.ok(begun >= 1000 / 5 && begun <= (1000 * 1.1 + SLICE) / 5 + 1, `${begun}`)
})

test('after a long rest no more than a slice of them begins at once', () => {
  const pace = createPace(SLICE)
  pace.others(10_000, SLICE)
  let begun = 0
  for (; pace.allows(); begun++) pace.spend(5)
  assert.equal(begun, SLICE / 5)
})

test('work that is done at once never has to wait, however uneven it is', () => {
  const pace = createPace(SLICE)
  const [mean, long] = [5, 102]
  let now = 0
  for (let request = 0; request < 10_000; request++) {
    assert.ok(pace.allows(), `request ${request}`)
    pace.spend(mean)
    // One of fifty is long, the others are short.
    now += request % 50 === 0 ? long : (mean * 50 - long) / 49
    pace.own(now)
  }
})

test('tells when the next one may begin', () => {
  const pace = createPace(SLICE)
  pace.others(0, SLICE)
  pace.spend(SLICE + 11)
  assert.equal(pace.allows(), false)
  const wait = pace.allowsIn()
  pace.others(wait - 1, SLICE)
  assert.equal(pace.allows(), false)
  pace.others(wait, SLICE)
  assert.equal(pace.allows(), true)
  assert.equal(pace.allowsIn(), 0)
})
