// The hang policy with a clock of its own: who is silent, and who only seems so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { awakeTime, initialAwake, tickHang } from '../../src/primary/hang-policy.ts'
import type { HangOptions, HangVerdict } from '../../src/primary/hang-policy.ts'

const DEFAULTS: HangOptions = { interval: 500, stallWarning: 1_000, hangTimeout: 30_000 }

interface Scene {
  /** When the primary looks. */
  readonly ticks: readonly number[]
  /** When the worker's reports arrive. */
  readonly reports: readonly number[]
  readonly inspected?: boolean
  readonly options?: HangOptions
}

/** One worker that became ready at 0, and what was said of it at each tick. */
function play ({ ticks, reports, inspected = false, options = DEFAULTS }: Scene): HangVerdict[] {
  let clock = initialAwake(0)
  let lastSeen = awakeTime(clock, 0, options)
  const waiting = [...reports]
  return ticks.map(now => {
    while ((waiting[0] ?? Infinity) <= now) lastSeen = awakeTime(clock, waiting.shift() ?? now, options)
    const looked = tickHang(clock, [{ key: 1, lastSeen, inspected }], now, options)
    clock = looked.clock
    return looked.verdicts.get(1) ?? 'ok'
  })
}

const every = (step: number, from: number, to: number): number[] => Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, index) => from + index * step)
const firstOf = (verdict: HangVerdict, ticks: readonly number[], verdicts: readonly HangVerdict[]): number | undefined => ticks[verdicts.indexOf(verdict)]

test('leaves a worker alone that reports on time', () => {
  assert.deepEqual(new Set(play({ ticks: every(500, 500, 120_000), reports: every(500, 250, 120_000) })), new Set(['ok']))
})

test('warns of a report that is late by a second, and calls 30 s of silence a hang', () => {
  const ticks = every(500, 500, 40_000)
  const verdicts = play({ ticks, reports: [] })
  assert.equal(firstOf('warn', ticks, verdicts), 1_500)
  assert.equal(firstOf('hung', ticks, verdicts), 30_000)
})

test('does not punish a pause below the limit', () => {
  const ticks = every(500, 500, 60_000)
  const verdicts = play({ ticks, reports: [...every(500, 250, 5_000), ...every(500, 34_000, 60_000)] })
  assert.ok(!verdicts.includes('hung'))
  assert.ok(verdicts.includes('warn'))
  assert.equal(verdicts.at(-1), 'ok')
})

test('never calls a worker with a debugger hung', () => {
  assert.deepEqual(new Set(play({ ticks: every(500, 500, 600_000), reports: [], inspected: true })), new Set(['ok']))
})

test('warns but calls nothing a hang where that is turned off', () => {
  const verdicts = play({ ticks: every(500, 500, 600_000), reports: [], options: { ...DEFAULTS, hangTimeout: false } })
  assert.ok(!verdicts.includes('hung'))
  assert.ok(verdicts.includes('warn'))
})

test('does not condemn a worker that is on time, however short the limit', () => {
  const verdicts = play({ ticks: every(500, 500, 10_000), reports: every(500, 250, 10_000), options: { ...DEFAULTS, hangTimeout: 100 } })
  assert.ok(!verdicts.includes('hung'))
})

test('keeps everybody after the machine slept for hours', () => {
  const wake = 8 * 3_600_000
  const ticks = [...every(500, 500, 10_000), ...every(500, wake, wake + 10_000)]
  const reports = [...every(500, 250, 10_000), ...every(500, wake + 400, wake + 10_000)]
  assert.deepEqual(new Set(play({ ticks, reports })), new Set(['ok']))
})

test('finds a worker that hung before the machine slept, after as much silence as otherwise', () => {
  const wake = 3_600_000
  const ticks = [...every(500, 500, 10_000), ...every(500, wake, wake + 60_000)]
  const verdicts = play({ ticks, reports: [] })
  const hungAt = firstOf('hung', ticks, verdicts) ?? Infinity
  // 10 s before and at most two intervals of the sleep itself count.
  assert.ok(hungAt >= wake + 30_000 - 10_000 - 1_000 && hungAt <= wake + 20_000, `${hungAt - wake} ms after waking`)
})

test('does not run backwards when a clock does', () => {
  const verdicts = play({ ticks: [500, 1_000, 400, 900], reports: [] })
  assert.deepEqual(verdicts, ['ok', 'ok', 'ok', 'warn'])
})

/** Phases of a primary's life: it looks each interval, sometimes late, sometimes it was suspended altogether. */
const phases = fc.array(fc.oneof(
  fc.record({ type: fc.constant('awake' as const), lasts: fc.integer({ min: 500, max: 20_000 }) }),
  fc.record({ type: fc.constant('suspended' as const), lasts: fc.integer({ min: 1_000, max: 10_000_000 }) })
), { minLength: 1, maxLength: 30 })

test('never calls a worker hung that reports whenever the primary is awake, however often all are suspended', () => {
  fc.assert(fc.property(phases, fc.integer({ min: 0, max: 499 }), (phases, offset) => {
    const ticks: number[] = []
    const reports: number[] = []
    let now = 0
    for (const { type, lasts } of phases) {
      if (type === 'awake') {
        ticks.push(...every(500, now + 500, now + lasts))
        reports.push(...every(500, now + offset, now + lasts))
      }
      now += lasts
    }
    assert.ok(play({ ticks, reports }).every(verdict => verdict !== 'hung'))
  }), { numRuns: 1_000 })
})

test('calls a silent worker hung as soon as the primary was awake for the timeout, and not before', () => {
  const lateness = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 200, maxLength: 200 })
  fc.assert(fc.property(phases, lateness, fc.integer({ min: 1_000, max: 30_000 }), (phases, lateness, hangTimeout) => {
    const ticks: number[] = []
    let now = 0
    for (const { type, lasts } of phases) {
      if (type === 'awake') ticks.push(...every(500, now + 500, now + lasts).map((tick, index) => tick + (lateness[index % lateness.length] ?? 0)))
      now += lasts
    }
    ticks.sort((a, b) => a - b)
    const verdicts = play({ ticks, reports: [], options: { ...DEFAULTS, hangTimeout } })
    let heard = 0
    for (const [index, tick] of ticks.entries()) {
      heard += Math.min(tick - (ticks[index - 1] ?? 0), 1_000)
      assert.equal(verdicts[index] === 'hung', heard >= hangTimeout)
    }
  }), { numRuns: 1_000 })
})
