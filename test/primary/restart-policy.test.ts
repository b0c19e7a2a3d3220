// The restart policy over thousands of histories with a clock of their own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RESTART_DEFAULTS } from '../../src/options/restart-defaults.ts'
import { crashLoop, crashLoopReviewAt, initialCrashes, initialRestarts, recordCrash, recordExit, recordHealthy } from '../../src/primary/restart-policy.ts'
import type { RestartOptions, SlotRestarts } from '../../src/primary/restart-policy.ts'

const RUNS = { numRuns: 2_000 }
const middle = (): number => 0.5

const optionsOf: fc.Arbitrary<RestartOptions> = fc.record({
  delay: fc.integer({ min: 0, max: 1_000 }),
  maxDelay: fc.integer({ min: 1_000, max: 60_000 }),
  resetAfter: fc.integer({ min: 1, max: 120_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  limit: fc.integer({ min: 0, max: 10 }),
  window: fc.integer({ min: 1, max: 120_000 })
})
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Lives of one slot's workers, in ms after ready: some die at boot, some after seconds, some are stable. */
const livesOf = fc.array(fc.record({ uptime: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 200_000 })), chance }), { maxLength: 60 })

interface Step { readonly before: SlotRestarts, readonly after: SlotRestarts, readonly uptime: number, readonly now: number }

/** Lives one after another, each forked the moment the policy allows. */
function history (lives: ReadonlyArray<{ readonly uptime: number, readonly chance: number }>, options: RestartOptions): Step[] {
  let now = 1_000
  let slot = initialRestarts()
  return lives.map(({ uptime, chance }) => {
    now = Math.max(now, slot.nextForkAt) + uptime
    const before = slot
    slot = recordExit(before, { uptime, now, options, random: () => chance })
    return { before, after: slot, uptime, now }
  })
}

test('replaces the first worker that ends at once, then waits 100 ms doubling to 30 s', () => {
  const waits = history(Array.from({ length: 12 }, () => ({ uptime: 3_000, chance: 0.5 })), RESTART_DEFAULTS).map(({ after, now }) => Math.round(after.nextForkAt - now))
  assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
})

test('waits within the jitter of a doubling delay, never longer than the longest', () => {
  fc.assert(fc.property(livesOf, optionsOf, (lives, options) => {
    for (const { after, now } of history(lives, options)) {
      const wait = after.nextForkAt - now
      const wanted = after.failures === 1 ? 0 : Math.min(options.maxDelay, options.delay * 2 ** (after.failures - 2))
      assert.ok(wait >= wanted * (1 - options.jitter) - 1e-6 && wait <= wanted * (1 + options.jitter) + 1e-6, `${wait} for ${wanted}`)
      assert.ok(wait <= options.maxDelay * (1 + options.jitter) + 1e-6)
    }
  }), RUNS)
})

test('never waits shorter, jitter aside, after one more failure in a row', () => {
  fc.assert(fc.property(livesOf, optionsOf, (lives, options) => {
    const steps = history(lives.map(life => ({ ...life, chance: 0.5 })), options)
    for (const { before, after, now } of steps.filter(({ before }) => before.failures > 0)) {
      if (after.failures === 1) continue
      const previous = steps.find(step => step.after === before)
      assert.ok(previous !== undefined && after.nextForkAt - now >= previous.after.nextForkAt - previous.now - 1e-6)
    }
  }), RUNS)
})

test('forgets failures after good health and only then', () => {
  fc.assert(fc.property(livesOf, optionsOf, (lives, options) => {
    for (const { before, after, uptime, now } of history(lives, options)) {
      const forgotten = uptime >= options.resetAfter || before.failures === 0
      assert.equal(after.failures, forgotten ? 1 : before.failures + 1)
      if (forgotten) assert.equal(after.nextForkAt, now)
    }
  }), RUNS)
})

test('forgets failures while a worker is still alive and well', () => {
  const slot = recordExit(recordExit(initialRestarts(), { uptime: 0, now: 0, options: RESTART_DEFAULTS, random: middle }), { uptime: 0, now: 1, options: RESTART_DEFAULTS, random: middle })
  assert.equal(recordHealthy(slot, { uptime: RESTART_DEFAULTS.resetAfter - 1, options: RESTART_DEFAULTS }), slot)
  assert.deepEqual(recordHealthy(slot, { uptime: RESTART_DEFAULTS.resetAfter, options: RESTART_DEFAULTS }), initialRestarts())
})

test('keeps every wait a number after thousands of failures, with a delay of 0 too', () => {
  let slot = initialRestarts()
  for (let count = 0; count < 3_000; count++) slot = recordExit(slot, { uptime: 0, now: 7, options: { ...RESTART_DEFAULTS, delay: 0 }, random: middle })
  assert.deepEqual(slot, { failures: 3_000, nextForkAt: 7 })
})

test('calls it a crash loop from the first crash over the limit in the window until the window is empty, whoever looks when', () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 40_000 }), looks: fc.array(chance, { maxLength: 3 }) }), { maxLength: 80 })
  fc.assert(fc.property(steps, optionsOf, (steps, options) => {
    const all: number[] = []
    let now = 0
    let history = initialCrashes()
    let expected = false
    for (const { gap, looks } of steps) {
      for (const look of looks.toSorted((a, b) => a - b)) history = crashLoop(history, [], now + look * gap, options)
      now += gap
      const emptied = all.every(at => now - at >= options.window)
      all.push(now)
      history = crashLoop(recordCrash(history, now, options), [], now, options)
      expected = all.filter(at => now - at < options.window).length > options.limit || (expected && !emptied)
      assert.equal(history.crashLoop, expected)
    }
    assert.equal(crashLoop(history, [], now + options.window, options).crashLoop, false)
  }), RUNS)
})

test('stays in a crash loop while retries are slow, and leaves it once the slot is well', () => {
  let now = 0
  let slot = initialRestarts()
  let history = initialCrashes()
  const seen: boolean[] = []
  for (let count = 0; count < 20; count++) {
    now = Math.max(now, slot.nextForkAt) + 50_000
    slot = recordExit(slot, { uptime: 50_000, now, options: RESTART_DEFAULTS, random: middle })
    history = crashLoop(recordCrash(history, now, RESTART_DEFAULTS), [slot], now, RESTART_DEFAULTS)
    seen.push(history.crashLoop)
  }
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, index) => index >= RESTART_DEFAULTS.limit), 'a worker that lives 50 s is never more than twice in the window of 60 s')
  now = slot.nextForkAt + RESTART_DEFAULTS.resetAfter
  assert.equal(crashLoop(history, [slot], now, RESTART_DEFAULTS).crashLoop, true)
  assert.equal(crashLoop(history, [recordHealthy(slot, { uptime: RESTART_DEFAULTS.resetAfter, options: RESTART_DEFAULTS })], now, RESTART_DEFAULTS).crashLoop, false)
})

test('tells when to look again whether a crash loop is over', () => {
  const options = { ...RESTART_DEFAULTS, limit: 1, window: 100 }
  const calm = crashLoop(recordCrash(initialCrashes(), 5, options), [], 5, options)
  assert.equal(crashLoopReviewAt(calm, options), Infinity)
  const looping = crashLoop(recordCrash(calm, 30, options), [], 30, options)
  assert.equal(looping.crashLoop, true)
  assert.equal(crashLoopReviewAt(looping, options), 130)
  assert.equal(crashLoop(looping, [], 129, options).crashLoop, true)
  assert.equal(crashLoop(looping, [], 130, options).crashLoop, false)
})

test('keeps a slot that always fails from eating the machine, however often one looks', () => {
  const span = 600_000
  fc.assert(fc.property(optionsOf, fc.integer({ min: 1, max: 200 }), chance, (options, poll, chance) => {
    fc.pre(options.delay > 0)
    let slot = initialRestarts()
    const forks: number[] = []
    for (let now = 0; now < span; now += poll) {
      if (now < slot.nextForkAt) continue
      forks.push(now)
      slot = recordExit(slot, { uptime: 0, now, options, random: () => chance })
    }
    const factor = 1 + options.jitter * (2 * chance - 1)
    fc.pre(factor > 0.1)
    const doublings = Math.ceil(Math.log2(options.maxDelay / options.delay))
    assert.ok(forks.length <= 3 + doublings + span / (options.maxDelay * factor), `${forks.length} forks`)
    for (let index = 2; index < forks.length; index++) {
      const wait = Math.min(options.maxDelay, options.delay * 2 ** (index - 2)) * factor
      const waited = (forks[index] ?? NaN) - (forks[index - 1] ?? NaN)
      assert.ok(waited >= wait - 1e-6 && waited <= wait + poll, `fork ${index} came after ${waited} ms, promised ${wait}`)
    }
  }), { numRuns: 300 })
})
