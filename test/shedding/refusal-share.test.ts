import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRefusalShare } from '../../src/shedding/refusal-share.ts'

interface Traffic { readonly of: (count: number, every: number) => number, readonly wait: (ms: number) => void }

/** A millisecond apart, of which each so many is refused; returns the share at the last refusal. */
function traffic (): Traffic {
  let [total, refused, now, share] = [0, 0, 5000, 0]
  const next = createRefusalShare({ total: () => total, refused: () => refused, now: () => now })
  return {
    of (count, every) {
      for (let came = 0; came < count; came++) {
        now++
        total++
        if (came % every !== 0) continue
        refused++
        share = next()
      }
      return share
    },
    wait (ms) { now += ms }
  }
}

test('the share of refusals follows what is refused, up and down', () => {
  const { of } = traffic()
  assert.ok(of(2000, 1) > 0.99)
  assert.ok(Math.abs(of(3000, 2) - 0.5) < 0.05)
  assert.ok(Math.abs(of(3000, 10) - 0.1) < 0.05)
})

test('a few refusals are no share, and those of long ago are forgotten', () => {
  const { of, wait } = traffic()
  assert.equal(of(19, 1), 0)
  assert.ok(of(2000, 1) > 0.99)
  wait(1001)
  assert.equal(of(1, 1), 0)
})
