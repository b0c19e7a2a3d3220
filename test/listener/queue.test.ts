// The bounded queue against a simple model, and its numbers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createQueue, WAIT_BUCKETS } from '../../src/listener/queue.ts'

interface Item { readonly name: number }
interface Waiting { readonly item: Item, readonly at: number }

type Step =
  | { readonly type: 'push' | 'shift' | 'expire' }
  | { readonly type: 'remove' | 'return', readonly which: number }

const steps = fc.array(fc.record({
  after: fc.nat(40),
  step: fc.oneof(
    fc.constantFrom<Step>({ type: 'push' }, { type: 'push' }, { type: 'shift' }, { type: 'expire' }),
    fc.record({ type: fc.constantFrom('remove' as const, 'return' as const), which: fc.nat(10) })
  )
}), { maxLength: 80 })

test('behaves like a list with a limit and a time, for any history', () => {
  fc.assert(fc.property(fc.nat(6), fc.integer({ min: 1, max: 100 }), steps, (limit, timeout, history) => {
    const queue = createQueue<Item>({ limit, timeout })
    let model: Waiting[] = []
    const served: Waiting[] = []
    let now = 0
    let last = 0
    for (const { after, step } of history) {
      now += after
      switch (step.type) {
        case 'push': {
          const item = { name: ++last }
          const full = model.length >= limit
          assert.equal(queue.push(item, now), full ? 'full' : 'queued')
          if (!full) model.push({ item, at: now })
          break
        }
        case 'shift': {
          const first = model.shift()
          assert.equal(queue.peek(), first?.item)
          assert.equal(queue.shift(now), first?.item)
          if (first !== undefined) served.push(first)
          break
        }
        case 'expire': {
          const late = model.filter(({ at }) => now - at >= timeout).map(({ item }) => item)
          assert.deepEqual(queue.expire(now), late)
          model = model.filter(({ item }) => !late.includes(item))
          break
        }
        case 'remove': {
          const found = model[step.which]
          if (found !== undefined) assert.equal(queue.remove(found.item), true)
          model = model.filter(waiting => waiting !== found)
          break
        }
        case 'return': {
          // Behind those that returned before: whoever failed first is served first.
          const back = served.splice(step.which, 1)[0]
          if (back === undefined) break
          queue.unshift(back.item, now)
          const returned = model.findIndex(({ item }) => !isReturned(item))
          model.splice(returned === -1 ? model.length : returned, 0, back)
          returnedItems.add(back.item)
          break
        }
        default: step satisfies never
      }
      assert.equal(queue.depth, model.length)
      const oldest = Math.min(...model.map(({ at }) => at))
      assert.equal(queue.nextDeadline(), model.length === 0 ? undefined : oldest + timeout)
    }
  }), { numRuns: 500 })
})

const returnedItems = new WeakSet<Item>()
const isReturned = (item: Item): boolean => returnedItems.has(item)

test('counts what it took, refused, lost and served, and how long the served ones waited', () => {
  const queue = createQueue<Item>({ limit: 2, timeout: 100 })
  const [a, b, c, d] = [1, 2, 3, 4].map(name => ({ name })) as [Item, Item, Item, Item]
  queue.push(a, 0)
  queue.push(b, 10)
  queue.push(c, 20)
  assert.equal(queue.shift(30), a)
  queue.push(d, 40)
  queue.remove(b)
  assert.deepEqual(queue.expire(140), [d])
  const { depth, maxDepth, queued, rejected, abandoned, waited } = queue.stats()
  assert.deepEqual({ depth, maxDepth, queued, rejected, abandoned }, { depth: 0, maxDepth: 2, queued: 3, rejected: { full: 1, timeout: 1 }, abandoned: 1 })
  assert.deepEqual([waited.count, waited.sum, waited.max], [1, 30, 30])
  assert.equal(waited.buckets[WAIT_BUCKETS.indexOf(50)], 1)
})

test('a limit of 0 queues nobody', () => {
  assert.equal(createQueue<Item>({ limit: 0, timeout: 100 }).push({ name: 1 }, 0), 'full')
})
