// What was decided about single workers is forgotten with them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRoster } from '../../src/primary/roster.ts'
import type { WorkerHandle } from '../../src/primary/worker-handle.ts'

const worker = { key: 1, slot: 1, generation: 1, state: () => 'ready', deadline: () => Infinity, readyAt: () => 0 } as unknown as WorkerHandle

void test('a worker that is dismissed or condemned is planned as such, and forgotten once it has ended', () => {
  const roster = createRoster()
  roster.add(worker)
  roster.dismiss(worker, 'recycle')
  roster.condemn(worker)
  assert.deepEqual(roster.planned().map(({ dismissed, hung }) => [dismissed, hung]), [[true, true]])

  roster.remove(worker)
  // Its last message may be read after its end.
  roster.dismiss(worker, 'retire')
  roster.condemn(worker)
  assert.equal(roster.dismissal(worker), undefined)
  roster.add(worker)
  assert.deepEqual(roster.planned().map(({ dismissed, hung }) => [dismissed, hung]), [[false, false]])
})
