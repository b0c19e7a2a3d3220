import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAdmissionQueue } from '../../src/shedding/admission-queue.ts'
import { PRIORITIES } from '../../src/shedding/priorities.ts'

const NO_LIMITS = { critical: Infinity, normal: Infinity, sheddable: Infinity }
const joins = fc.array(fc.constantFrom(...PRIORITIES), { maxLength: 50 })

test('what matters most goes first, and of the same priority what came first; nobody is lost', () => {
  fc.assert(fc.property(joins, priorities => {
    const queue = createAdmissionQueue<number>()
    for (const [at, priority] of priorities.entries()) queue.join({ item: at, priority, joined: at, waited: 0 })
    assert.equal(queue.size(), priorities.length)
    const left: number[] = []
    for (let next = queue.next(); next !== undefined; next = queue.next()) left.push(next.item)
    const wanted = PRIORITIES.flatMap(priority => priorities.flatMap((own, at) => own === priority ? [at] : []))
    assert.deepEqual(left, wanted)
    assert.equal(queue.size(), 0)
  }))
})

test('who joins knows how many go before', () => {
  fc.assert(fc.property(joins, fc.constantFrom(...PRIORITIES), (priorities, own) => {
    const queue = createAdmissionQueue<string>()
    for (const priority of priorities) queue.join({ item: priority, priority, joined: 0, waited: 0 })
    const ahead = queue.ahead(own)
    queue.join({ item: 'own', priority: own, joined: 0, waited: 0 })
    let before = 0
    while (queue.next()?.item !== 'own') before++
    assert.equal(before, ahead)
  }))
})

test('those are overdue that have been here for longer than their priority may, and nobody else', () => {
  fc.assert(fc.property(joins, fc.nat(60), fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50)), (priorities, now, [critical, normal, sheddable]) => {
    const limits = { critical, normal, sheddable }
    const queue = createAdmissionQueue<number>()
    for (const [at, priority] of priorities.entries()) queue.join({ item: at, priority, joined: at, waited: 0 })
    const late: number[] = []
    for (let one = queue.overdue(now, limits); one !== undefined; one = queue.overdue(now, limits)) late.push(one.item)
    assert.deepEqual(late.toSorted((a, b) => a - b), priorities.flatMap((priority, at) => now - at > limits[priority] ? [at] : []))
    assert.equal(queue.size(), priorities.length - late.length)
    assert.equal(queue.overdue(now, NO_LIMITS), undefined)
  }))
})
