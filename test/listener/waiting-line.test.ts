// The line in front of the workers leaves nothing behind once nobody stands in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWaitingLine } from '../../src/listener/waiting-line.ts'

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

test('a timer runs while somebody waits, and none for nobody', () => {
  const before = timers()
  const line = createWaitingLine<object>({ limit: 2, timeout: 60_000 }, () => assert.fail('nobody is refused'))
  const [first, second] = [{}, {}]
  line.join(first)
  line.join(second)
  assert.equal(timers(), before + 1)
  assert.equal(line.leave(), first)
  assert.equal(timers(), before + 1)
  line.abandon(second)
  assert.equal(timers(), before)
  line.join(first)
  assert.equal(timers(), before + 1)
  assert.equal(line.leave(), first)
  assert.equal(timers(), before)
})

test('whoever waits too long is refused, those who came later at their own time', async () => {
  const refused: string[] = []
  const { promise, resolve } = deferredList(refused, 2)
  const line = createWaitingLine<{ name: string }>({ limit: 5, timeout: 20 }, ({ name }) => { resolve(name) })
  for (const name of ['leaves', 'first', 'second']) line.join({ name })
  assert.deepEqual(line.leave(), { name: 'leaves' })
  await promise
  assert.deepEqual([refused, line.depth(), line.counts().rejectedTimeout], [['first', 'second'], 0, 2])
})

test('whoever waits is refused at the time that holds once patience is lost', async () => {
  const refused: string[] = []
  const { promise, resolve } = deferredList(refused, 1)
  let limit = Infinity
  const line = createWaitingLine<{ name: string }>({ limit: 5, timeout: 60_000 }, ({ name }) => { resolve(name) }, { left () { limit = 20 }, emptied () {}, limit: () => limit })
  for (const name of ['leaves', 'waits']) line.join({ name })
  assert.deepEqual(line.leave(), { name: 'leaves' })
  await promise
  assert.deepEqual([refused, line.depth()], [['waits'], 0])
})

function deferredList (list: string[], size: number): { promise: Promise<void>, resolve: (item: string) => void } {
  let done = (): void => {}
  const promise = new Promise<void>(resolve => { done = resolve })
  return {
    promise,
    resolve (item) {
      list.push(item)
      if (list.length === size) done()
    }
  }
}
