import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTurnClock, systemClock } from '../../src/shedding/turn-clock.ts'
import type { LoopClock, TurnClock } from '../../src/shedding/turn-clock.ts'

test('the first request after a sleep has waited for nothing', () => {
  const loop = fakeLoop()
  loop.sleep(50)
  loop.clock.request()
  assert.deepEqual(loop.clock.turn, { now: 50, elapsed: 0, waited: 0, busy: 0 })
})

test('a request waits for those before it in its turn', () => {
  const loop = fakeLoop()
  loop.sleep(50)
  loop.clock.request()
  loop.work(5)
  loop.clock.request()
  assert.equal(loop.clock.turn.waited, 5)
  loop.work(5)
  loop.clock.request()
  assert.equal(loop.clock.turn.waited, 10)
})

test('a request found by the next turn came somewhere in the one before, and waits for what runs between the turns', () => {
  const loop = fakeLoop()
  loop.sleep(50)
  loop.clock.request()
  loop.work(40)
  loop.endTurn()
  loop.work(3)
  loop.clock.request()
  assert.equal(loop.clock.turn.elapsed, 3)
  assert.equal(loop.clock.turn.waited, 3 + 40 / 2)
  assert.equal(loop.clock.turn.busy, 43)
})

test('work long ago counts for nothing once the loop has slept', () => {
  const loop = fakeLoop()
  loop.clock.request()
  loop.work(400)
  loop.endTurn()
  for (let turns = 0; turns < 1000; turns++) {
    loop.work(5)
    loop.sleep(1)
  }
  loop.clock.request()
  assert.equal(loop.clock.turn.waited, 0)
  assert.equal(loop.clock.turn.busy, 0)
})

test('work of others over many turns without a request is not a wait for the one that comes then', () => {
  const loop = fakeLoop()
  loop.sleep(50)
  loop.clock.request()
  loop.endTurn()
  for (let turn = 0; turn < 100; turn++) {
    loop.work(2)
    loop.endTurn()
  }
  loop.clock.request()
  assert.equal(loop.clock.turn.elapsed, 0)
  assert.ok(Math.abs(loop.clock.turn.waited - 1) < 0.05)
  assert.equal(loop.clock.turn.busy, 200)
})

test('a loop that has slept lately is not followed; once it has not for a while, waits are known from the turn after on', () => {
  const loop = fakeLoop('when-busy')
  loop.sleep(50)
  for (let turn = 0; turn < 3; turn++) {
    loop.clock.request()
    assert.deepEqual([loop.armed(), loop.clock.turn.waited], [0, 0])
    loop.work(8)
    loop.endTurn()
  }
  loop.clock.request()
  assert.deepEqual([loop.armed(), loop.clock.turn.waited, loop.clock.turn.busy], [1, 0, 24])
  loop.work(8)
  loop.clock.request()
  assert.equal(loop.clock.turn.waited, 8)
  loop.endTurn()
  loop.clock.request()
  assert.equal(loop.clock.turn.waited, 8 / 2)
  loop.endTurn()
  loop.sleep(1)
  loop.clock.request()
  assert.deepEqual([loop.armed(), loop.clock.turn.busy], [0, 0])
})

test('asks at most once a millisecond whether the loop has slept, and misses no sleep by it', () => {
  const loop = fakeLoop('when-busy')
  loop.sleep(50)
  loop.clock.request()
  const before = loop.looks()
  for (let request = 0; request < 1000; request++) {
    loop.work(1 / 64)
    loop.clock.request()
  }
  assert.ok(loop.looks() - before <= 1000 / 64, `${loop.looks() - before} looks in ${1000 / 64} ms`)
  loop.sleep(1 / 64)
  loop.clock.request()
  loop.work(10)
  loop.clock.request()
  assert.deepEqual([loop.armed(), loop.clock.turn.busy], [0, 0])
})

test('arms one callback for a turn with requests, and none while there are none', () => {
  const loop = fakeLoop()
  loop.sleep(1000)
  assert.equal(loop.armed(), 0)
  loop.clock.request()
  loop.clock.request()
  loop.clock.request()
  assert.equal(loop.armed(), 1)
  loop.endTurn()
  assert.equal(loop.armed(), 0)
})

test('the time the real loop has slept grows while it sleeps and stands still while it works', async () => {
  const asleep = systemClock.idleTime()
  // A loop with other things to do may not sleep at once.
  do await new Promise(resolve => setTimeout(resolve, 10))
  while (systemClock.idleTime() === asleep)
  const awake = systemClock.idleTime()
  const until = systemClock.now() + 20
  while (systemClock.now() < until);
  assert.equal(systemClock.idleTime(), awake)
})

test('the turns of the real loop are counted one by one', async () => {
  const counts: number[] = []
  await new Promise<void>(resolve => {
    const look = (): void => {
      counts.push(systemClock.turns())
      if (counts.length < 4) setImmediate(look)
      else resolve()
    }
    setImmediate(look)
  })
  assert.deepEqual(counts.map(count => count - (counts[0] ?? 0)), [0, 1, 2, 3])
})

test('the real turn ends before the next timer', async () => {
  const order: string[] = []
  await new Promise<void>(resolve => {
    setTimeout(() => {
      systemClock.atTurnEnd(() => order.push('end of turn'))
      setTimeout(() => {
        order.push('next timer')
        resolve()
      }, 0)
    }, 1)
  })
  assert.deepEqual(order, ['end of turn', 'next timer'])
})

interface FakeLoop {
  readonly clock: TurnClock
  readonly sleep: (ms: number) => void
  readonly work: (ms: number) => void
  readonly endTurn: () => void
  readonly armed: () => number
  /** How often it was asked how long it has slept. */
  readonly looks: () => number
}

function fakeLoop (follow: 'always' | 'when-busy' = 'always'): FakeLoop {
  let [now, idle, turns, looks] = [0, 0, 0, 0]
  const callbacks: Array<() => void> = []
  const time: LoopClock = {
    now: () => now,
    idleTime () {
      looks++
      return idle
    },
    turns: () => turns,
    atTurnEnd: callback => { callbacks.push(callback) },
    after: () => () => {}
  }
  return {
    clock: createTurnClock(time, () => {}, () => follow === 'always'),
    sleep (ms) {
      now += ms
      idle += ms
    },
    work (ms) { now += ms },
    endTurn () {
      for (const callback of callbacks.splice(0)) callback()
      turns++
    },
    armed: () => callbacks.length,
    looks: () => looks
  }
}
