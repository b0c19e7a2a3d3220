import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFixedLimit } from '../../src/shedding/in-flight-limit.ts'
import { retryAfter } from '../../src/shedding/retry-after.ts'
import { createShedder } from '../../src/shedding/shedder.ts'
import type { Priority, Standing } from '../../src/shedding/priorities.ts'
import type { Admission, OverloadReason, Shedder, ShedderOptions } from '../../src/shedding/shedder.ts'
import { createFakeLoop } from './simulation/loop.ts'
import type { FakeLoop } from './simulation/loop.ts'

const PRIORITIES = ['critical', 'normal', 'sheddable'] as const

test('the last places of a limit are kept for what matters more', () => {
  const { admit } = still({ inFlight: createFixedLimit(20) })
  const admitted = (priority: typeof PRIORITIES[number]): number => {
    let count = 0
    while (admit(priority) === 'serve') count++
    return count
  }
  assert.deepEqual([admitted('sheddable'), admitted('normal'), admitted('critical')], [15, 3, 2])
})

test('a limit of one lets one through, of any priority', () => {
  for (const priority of PRIORITIES) {
    const { admit, shedder } = still({ inFlight: createFixedLimit(1) })
    assert.equal(admit(priority), 'serve')
    const admittedAt = shedder.admittedAt()
    assert.equal(admit(priority), 'in-flight')
    assert.equal(shedder.admittedAt(), NaN)
    shedder.finished(admittedAt)
    assert.equal(admit(priority), 'serve')
  }
})

test('counts what is in flight, and tells the limit its latency and the time', () => {
  const told: unknown[] = []
  const { admit, shedder, loop: { work } } = still({ inFlight: { limit: () => 5, refused () {}, finished: (...values) => told.push(values) } })
  const ends = [0, 3].map(ms => {
    work(ms)
    admit('normal')
    return shedder.admittedAt()
  })
  assert.deepEqual([ends, shedder.stats().inFlight], [[0, 3], 2])
  work(9)
  for (const admittedAt of ends) shedder.finished(admittedAt)
  assert.equal(shedder.stats().inFlight, 0)
  assert.deepEqual(told, [[12, 2, 12], [9, 1, 12]])
})

test('who has given its place back takes part in nothing until it resumes, and what is done is told to the limit at once', () => {
  const told: unknown[] = []
  const { admit, shedder, loop: { work } } = still({ inFlight: { limit: () => 1, refused () {}, finished: (...values) => told.push(values) } })
  assert.equal(admit('normal'), 'serve')
  shedder.paused()
  assert.deepEqual([shedder.stats().inFlight, admit('normal'), shedder.resumes('normal')], [0, 'serve', false])
  work(5)
  shedder.freed(shedder.admittedAt() || 0)
  assert.deepEqual([told, shedder.resumes('normal'), shedder.admittedAt()], [[[5, 1, 5]], true, 5])
  shedder.finished(NaN)
  assert.deepEqual([shedder.stats().inFlight, told.length], [1, 1])
})

test('what is exempt is never shed and never waits, and counts nowhere', () => {
  const { admit, shedder, busy } = still({ maxQueueDelay: 10, inFlight: createFixedLimit(1) })
  busy()
  assert.equal(admit('normal'), 'wait')
  for (let i = 0; i < 3; i++) assert.equal(admit('exempt'), 'serve')
  assert.deepEqual([shedder.admittedAt(), shedder.stats().inFlight], [NaN, 0])
})

test('asks how much a request matters only once one has waited for the loop, or where there is a limit', () => {
  let asked = 0
  const ask = (): 'normal' => {
    asked++
    return 'normal'
  }
  const { shedder, loop, busy, turn } = still({})
  for (let passed = 0; passed < 100; passed++) {
    assert.equal(shedder.admit('any', ask), 'serve')
    loop.work(10)
    turn()
  }
  assert.equal(asked, 0)
  busy()
  assert.equal(shedder.admit('any', ask), 'wait')
  assert.equal(asked, 1)
  still({ inFlight: createFixedLimit(10) }).shedder.admit('any', ask)
  assert.equal(asked, 2)
})

test('those that wait are served by priority, a slice of them a turn, and the loop looks for others in between', () => {
  const { admit, busy, turn, served } = still({})
  busy()
  for (const priority of ['sheddable', 'normal', 'critical', 'normal', 'critical', 'sheddable'] as const) assert.equal(admit(priority), 'wait')
  const turns: number[] = []
  while (served.length < 6) {
    turn()
    turns.push(served.length)
  }
  assert.deepEqual(served, ['critical', 'critical', 'normal', 'normal', 'sheddable', 'sheddable'])
  assert.deepEqual(turns, [3, 6])
})

test('who would wait too long is refused at once, but not before somebody has waited for a quarter of a second', () => {
  const { admit, loop, busy, turn, served } = still({})
  busy()
  const began = loop.now()
  const refused = { critical: 0, normal: 0, sheddable: 0 }
  while (loop.now() - began < 240) {
    for (let i = 0; i < 4; i++) assert.equal(admit('normal'), 'wait')
    turn()
  }
  while (loop.now() - began < 600) {
    for (const priority of [...PRIORITIES, ...PRIORITIES]) if (admit(priority) === 'queue-delay') refused[priority]++
    turn()
  }
  assert.deepEqual([refused.critical, refused.sheddable > 10], [0, true], JSON.stringify(refused))
  assert.ok(served.filter(priority => priority === 'critical').length > 10)
})

test('who has waited for longer than foreseen is refused then', () => {
  const { admit, busy, turn, refused } = still({})
  busy()
  // Work for 0.38 s.
  for (let i = 0; i < 38; i++) assert.equal(admit('normal'), 'wait')
  for (let passed = 0; passed < 8; passed++) turn()
  assert.equal(refused.length, 0)
  for (let passed = 0; passed < 8; passed++) turn()
  assert.ok(refused.length > 5 && refused.every(([priority, reason]) => priority === 'normal' && reason === 'queue-delay'), JSON.stringify(refused))
})

test('after a stall so long that all are late, those that matter most are served all the same', () => {
  const { admit, busy, turn, loop, served, refused } = still({})
  busy()
  for (let i = 0; i < 38; i++) assert.equal(admit(PRIORITIES[i % 3] ?? 'normal'), 'wait')
  const before = served.length
  loop.work(400)
  turn()
  const then = served.slice(before)
  assert.ok(then.length >= 1 && then.every(priority => priority === 'critical'), JSON.stringify(then))
  assert.ok(refused.length > 20, `${refused.length}`)
})

test('where so many come at once that the last would be refused as late anyway, they are refused as they come', () => {
  const { admit, busy, turn, served, refused } = still({})
  busy()
  const admissions = Array.from({ length: 200 }, () => admit('normal'))
  const waiting = admissions.indexOf('queue-delay')
  assert.ok(waiting >= 30 && waiting <= 45, `${waiting} wait`)
  assert.ok(admissions.slice(waiting).every(admission => admission === 'queue-delay'))
  while (served.length + refused.length < waiting) turn()
  assert.ok(served.length >= 10, `${served.length} served`)
})

test('a client that leaves while it waits is passed over, and takes no place of the limit', () => {
  const { admit, shedder, busy, turn, served, gone } = still({ inFlight: createFixedLimit(5) })
  busy()
  admit('normal')
  admit('normal')
  gone.add(0)
  turn()
  assert.deepEqual([served.length, shedder.stats().inFlight, shedder.stats().waiting], [1, 1, 0])
})

test('one that waited finds no place of the limit', () => {
  const { admit, busy, turn, served, refused } = still({ inFlight: createFixedLimit(1) })
  busy()
  admit('normal')
  admit('normal')
  turn()
  assert.deepEqual([served, refused], [['normal'], [['normal', 'in-flight']]])
})

test('one that fails while it is served keeps nobody else waiting', () => {
  const { admit, busy, turn, served } = still({}, () => { if (served.length === 1) throw new Error('no') })
  busy()
  admit('normal')
  admit('normal')
  assert.throws(() => turn(), /no/)
  turn()
  assert.equal(served.length, 2)
})

test('with maxQueueDelay false the loop is no reason to shed, nor to wait', () => {
  const { admit, shedder, loop, turn } = still({ maxQueueDelay: false })
  for (let passed = 0; passed < 100; passed++) {
    assert.equal(admit('sheddable'), 'serve')
    loop.work(1000)
    turn()
  }
  assert.equal(shedder.stats().share, 0)
})

test('clients are sent back over as many seconds as serving them takes, and never all at once', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (share, random) => {
    const seconds = retryAfter(share, random)
    assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 30, `${seconds}`)
  }))
  const spread = (share: number): number => new Set(Array.from({ length: 1000 }, (_, step) => retryAfter(share, step / 1000))).size
  assert.deepEqual([spread(0), spread(0.5), spread(0.9), spread(0.99)], [2, 4, 20, 30])
})

interface Still {
  readonly shedder: Shedder<Item>
  /** One that waits is told to. */
  readonly admit: (standing: Standing) => Admission
  readonly loop: FakeLoop
  /** The loop goes on to its next turn. */
  readonly turn: () => void
  /** From now on a request finds a loop that others have kept for long. */
  readonly busy: () => void
  /** Who waited, by what became of it. */
  readonly served: Priority[]
  readonly refused: Array<[Priority, OverloadReason]>
  /** By the order of their waiting. */
  readonly gone: Set<number>
}

interface Item { readonly number: number, readonly priority: Standing }

const SERVICE_MS = 10

/** What is served after a wait takes some ms, and ends. */
function still (options: Partial<ShedderOptions<Item>>, whileServed: () => void = () => {}): Still {
  const loop = createFakeLoop()
  const [served, refused, gone]: [Priority[], Array<[Priority, OverloadReason]>, Set<number>] = [[], [], new Set()]
  let waiting = 0
  const shedder: Shedder<Item> = createShedder<Item>({
    maxQueueDelay: 100,
    clock: loop,
    random: () => 0.5,
    waiters: {
      isGone: ({ number }) => gone.has(number),
      serve ({ priority }) {
        served.push(priority as Priority)
        loop.work(SERVICE_MS)
        whileServed()
        if (options.inFlight === undefined) shedder.finished(NaN)
      },
      refuse: ({ priority }, reason) => refused.push([priority as Priority, reason])
    },
    ...options
  })
  return {
    shedder,
    admit (standing) {
      const admission = shedder.admit(standing, own => own)
      if (admission === 'wait') shedder.wait({ number: waiting++, priority: standing })
      return admission
    },
    loop,
    turn () {
      loop.endTurn()
      loop.sleepUntil(loop.now() + 1)
      loop.runTimers()
    },
    busy () {
      for (let passed = 0; passed < 100; passed++) {
        loop.work(SERVICE_MS)
        shedder.admit('any', () => 'exempt')
        shedder.finished(NaN)
        loop.endTurn()
      }
      shedder.admit('any', () => 'exempt')
      loop.work(40)
      shedder.finished(NaN)
    },
    served,
    refused,
    gone
  }
}
