// Requests in the hands of workers that say what the test wants, by a clock of the test's own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Channel } from '../../src/channel.ts'
import { createErrands } from '../../src/listener/errands.ts'
import type { Errand, Errands } from '../../src/listener/errands.ts'
import { createHands } from '../../src/listener/hands.ts'
import type { Hands } from '../../src/listener/hands.ts'
import type { Receiver } from '../../src/listener/listener.ts'
import type { ToWorker } from '../../src/protocol.ts'
import { redeem } from '../../src/tickets.ts'

const USUAL = 20
const LONG = 1.5 * USUAL + 1

interface Delivery { readonly ticket: string, readonly done: (received: boolean) => void }

interface World {
  readonly errands: Errands<string>
  readonly hands: Hands<Receiver>
  readonly undelivered: string[]
  readonly pass: (ms: number) => void
  readonly worker: (key: number) => Receiver
  /** The worker reads what has been on its way for longest, and begins it if it may; or it never comes. */
  readonly say: (worker: Receiver, received: boolean) => void
  readonly start: (client: string, worker: Receiver) => Errand<string>
}

function world (t: TestContext): World {
  let at = 0
  const underway = new Map<Receiver, Delivery[]>()
  const started: Array<Errand<string>> = []
  const undelivered: string[] = []
  const hands = createHands<Receiver>(2, () => at)
  const errands = createErrands<string>(hands, { onUndelivered: ({ client }) => { undelivered.push(client) }, onLate: () => {} })
  t.after(() => {
    for (const errand of started) errands.abandon(errand)
    errands.close()
  })
  return {
    errands,
    hands,
    undelivered,
    pass: ms => { at += ms },
    worker (key) {
      const deliveries: Delivery[] = []
      const channel: Pick<Channel<ToWorker>, 'deliver'> = { deliver: (message, _handle, done) => { deliveries.push({ ticket: 'ticket' in message ? message.ticket ?? '' : '', done }) } }
      const worker = { key, channel } as unknown as Receiver
      underway.set(worker, deliveries)
      return worker
    },
    say (worker, received) {
      const delivery = underway.get(worker)?.shift()
      delivery?.done(received)
      if (received) redeem(delivery?.ticket ?? '')
    },
    start (client, worker) {
      const errand = errands.start(client, worker, Buffer.alloc(0), {} as never)
      started.push(errand)
      return errand
    }
  }
}

/** So that it is known how long a request takes. */
function practise ({ errands, pass, say, start }: World, worker: Receiver): void {
  for (let count = 0; count < 20; count++) {
    const errand = start('practice', worker)
    say(worker, true)
    pass(USUAL)
    errands.end(errand)
  }
}

void test('what is not read in the time that a request takes is late, what is read is not, however long it takes', t => {
  const made = world(t)
  const a = made.worker(1)
  practise(made, a)
  const first = made.start('first', a)
  made.say(a, true)
  made.start('second', a)
  made.pass(USUAL)
  assert.deepEqual(made.errands.late(), [])
  made.pass(LONG)
  assert.deepEqual(made.errands.late().map(({ client }) => client), ['second'])
  made.errands.end(first)
  assert.deepEqual(made.errands.late(), [])
})

void test('a worker that reads nothing keeps the places of what was taken back from it, so that it is sent nothing', t => {
  const made = world(t)
  const a = made.worker(1)
  practise(made, a)
  const both = [made.start('first', a), made.start('second', a)]
  made.pass(LONG)
  assert.deepEqual(both.map(errand => made.errands.takeBack(errand)), [true, true])
  assert.deepEqual([made.errands.late(), made.hands.freest([a], 'however')], [[], undefined])
  made.say(a, true)
  assert.deepEqual([made.hands.freest([a], 'however'), made.hands.freest([a], 'at once')], [a, undefined])
  made.say(a, true)
  assert.equal(made.hands.freest([a], 'at once'), a)
})

void test('what a worker has begun is not taken back, even if the receipt is still on its way', t => {
  const made = world(t)
  const a = made.worker(1)
  practise(made, a)
  const errand = made.start('begun', a)
  made.pass(LONG)
  assert.equal(redeem(errand.ticket ?? ''), true)
  assert.equal(made.errands.takeBack(errand), false)
  made.say(a, true)
  assert.deepEqual([errand.state, made.errands.find(a, errand.id)], ['received', errand])
})

void test('what a worker says of an errand that was taken back concerns nobody', t => {
  const made = world(t)
  const a = made.worker(1)
  practise(made, a)
  const errand = made.start('taken back', a)
  made.pass(LONG)
  made.errands.takeBack(errand)
  made.say(a, false)
  assert.deepEqual([made.errands.find(a, errand.id), made.errands.of(a), made.undelivered], [undefined, [], []])
  made.start('lost', a)
  made.say(a, false)
  assert.deepEqual(made.undelivered, ['lost'])
})

void test('an errand is abandoned once, and its ticket with it', t => {
  const made = world(t)
  const a = made.worker(1)
  const [first, second] = [made.start('first', a), made.start('second', a)]
  made.errands.abandon(first)
  made.errands.abandon(first)
  assert.equal(redeem(first.ticket ?? ''), false)
  assert.deepEqual([made.hands.freest([a], 'at once'), made.errands.of(a)], [undefined, [second]])
  made.errands.abandon(second)
  assert.equal(made.hands.freest([a], 'at once'), a)
})
