import assert from 'node:assert/strict'
import test from 'node:test'
import { createEvents } from '../../src/primary/events.ts'
import type { EventSink } from '../../src/primary/events.ts'
import { recycleWorker } from '../../src/primary/recycle-order.ts'
import type { WorkerHandle } from '../../src/primary/worker-handle.ts'

const READY = { addresses: [], generation: 1, bootMs: 1 }

/** Slots 1 and 2, with the workers 11 and 12. */
function cluster (): { events: EventSink, order: (id: number) => Promise<object>, dismissed: number[] } {
  const events = createEvents()
  const dismissed: number[] = []
  const handles = [1, 2].map(slot => ({ slot, pid: 10 + slot, state: () => 'ready' }) as unknown as WorkerHandle)
  const supervisor = { handles: () => handles, dismiss: ({ pid }: WorkerHandle) => { dismissed.push(pid) } }
  return { events, dismissed, order: id => recycleWorker(id, supervisor, events) }
}

test('resolves with the replacement of that very slot', async () => {
  const { events, order, dismissed } = cluster()
  const outcome = order(2)
  assert.deepEqual(dismissed, [12])
  events.emit('worker-ready', { id: 1, pid: 21, ...READY })
  events.emit('worker-ready', { id: 2, pid: 22, ...READY })
  assert.deepEqual(await outcome, { id: 2, pid: 22, generation: 1 })
  assert.deepEqual(events.emitter.eventNames(), [])
})

test('is rejected where nobody is, and where nobody will come: the slot is given up, or the cluster stops', async () => {
  const { events, order } = cluster()
  await assert.rejects(order(3), { code: 'FST_CLUSTERIZE_NO_WORKER' })
  const given = order(2)
  events.emit('scale', { state: 'started', from: 2, to: 1 })
  await assert.rejects(given, { code: 'FST_CLUSTERIZE_NO_WORKER' })
  const stopped = order(1)
  events.emit('stop', { reason: 'test' })
  await assert.rejects(stopped, { code: 'FST_CLUSTERIZE_STOPPED' })
  assert.deepEqual(events.emitter.eventNames(), [])
})
