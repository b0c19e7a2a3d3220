import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createForeignWork } from '../../src/shedding/foreign-work.ts'
import type { ForeignWork } from '../../src/shedding/foreign-work.ts'

const LONG = 50

test('where turns are long nobody begins until one without requests has shown what a turn is without them', () => {
  const work = createForeignWork(LONG)
  assert.deepEqual([turn(work, 0, 66, 6), turn(work, 66, 61, 1), turn(work, 127, 60, 0)], [0, 0, Infinity])
  assert.equal(work.perTurn(), 60)
})

test('what begins anyway is not waited for', () => {
  const work = createForeignWork(LONG)
  const begins = Array.from({ length: 8 }, (_, at) => turn(work, at * 60, 66, 6))
  assert.deepEqual(begins.slice(0, 4), [0, 0, 0, 0])
  assert.ok(begins.slice(4).every(most => most === 1), begins.join(', '))
  assert.equal(work.perTurn(), 0)
})

test('turns that are short are no reason to look', () => {
  const work = createForeignWork(LONG)
  for (let now = 0; now < 100_000; now += 20) assert.equal(turn(work, now, 20, 4), Infinity)
})

test('a turn that takes less corrects it at once', () => {
  const work = createForeignWork(LONG)
  turn(work, 0, 66, 6)
  turn(work, 60, 60, 0)
  turn(work, 120, 12, 3)
  assert.equal(work.perTurn(), 12)
})

test('it is measured again and again while there is some, and less often where there is none', () => {
  const looks = (foreign: number): number => {
    const work = createForeignWork(LONG)
    let [now, count, begun] = [0, 0, 6]
    while (now < 60_000) {
      const most = turn(work, now, foreign + begun * 5, begun)
      if (most === 0 && begun > 0) count++
      begun = most === 0 ? 0 : 6
      now += foreign + begun * 5
    }
    return count
  }
  const [some, none] = [looks(60), looks(0)]
  assert.ok(some >= 5 && some <= 12, `${some}`)
  assert.ok(none >= 1 && none <= 3, `${none}`)
})

test('where none was found, requests that seem to take far longer are a reason to look again', () => {
  const work = createForeignWork(LONG)
  assert.equal(turn(work, 0, 30, 6, 5), 0)
  assert.equal(turn(work, 30, 0, 0, 5), Infinity)
  assert.equal(turn(work, 2000, 30, 6, 5), Infinity)
  assert.equal(turn(work, 4000, 30, 6, 16), 0)
})

function turn (work: ForeignWork, now: number, took: number, requests: number, cost = 5): number {
  work.saw({ took, requests, now })
  return work.most(took, now, cost)
}
