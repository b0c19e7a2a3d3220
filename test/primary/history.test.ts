// What is remembered of a slot: a bounded number of reports, and the last end of a worker.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHistory } from '../../src/primary/history.ts'
import { freezeSnapshot } from '../../src/snapshot.ts'
import type { Snapshot } from '../../src/snapshot.ts'

const EXIT = { id: 2, pid: 20, generation: 1, code: 1, signal: null, kind: 'exit-code', reason: 'it exited', expected: false } as const

function snapshot (total: number): Snapshot {
  return freezeSnapshot({
    utilization: 0.5,
    loopDelay: { p50: 1, p99: 2, max: 3 },
    memory: { rss: 1, heapUsed: 1, heapLimit: 2 },
    gc: 0,
    uptime: 1,
    inspected: false,
    health: { state: 'unchecked', failures: 0, reason: null },
    shedding: { active: false, share: 0, delay: 0, limit: null, shed: {} },
    requests: { inFlight: 0, total, shed: 0, rate: 0, shedShare: 0, responses: { '2xx': total } },
    connections: { open: 0, idle: 0, movedIn: 0, movedOut: 0 }
  })
}

void test('the last 120 reports of a slot are kept, of its earlier workers too, oldest first', () => {
  let now = 0
  const history = createHistory(() => now)
  for (now = 1; now <= 200; now++) history.reported({ slot: 2, pid: now <= 150 ? 20 : 21, generation: 1 }, snapshot(now))

  const entries = history.of(2)
  assert.equal(entries.length, 120)
  assert.deepEqual(entries.map(({ at, snapshot: { requests } }) => [at, requests.total]), Array.from({ length: 120 }, (_, index) => [81 + index, 81 + index]))
  assert.deepEqual([entries[0]?.pid, entries.at(-1)?.pid], [20, 21])
  assert.deepEqual(history.of(1), [])
})

void test('each wanted slot is told, with the last end of one of its workers, and those beyond in which one has ended', () => {
  const history = createHistory(() => 7)
  history.ended(EXIT)
  history.ended({ ...EXIT, pid: 21, code: 3 })
  const { id, ...exit } = { ...EXIT, pid: 21, code: 3 }
  const second = { id, exits: 2, lastExit: { at: 7, ...exit } }
  assert.deepEqual(history.slots(1), [{ id: 1, exits: 0, lastExit: undefined }, second])
  assert.deepEqual(history.slots(3), [{ id: 1, exits: 0, lastExit: undefined }, second, { id: 3, exits: 0, lastExit: undefined }])
})

void test('nobody who looks at it can change it', () => {
  const history = createHistory()
  history.reported({ slot: 1, pid: 1, generation: 1 }, snapshot(1))
  const [entry] = history.of(1)
  assert.ok(entry)
  const { requests } = entry.snapshot
  assert.throws(() => { Object.assign(entry, { pid: 2 }) }, TypeError)
  assert.throws(() => { Object.assign(requests, { total: 2 }) }, TypeError)
  assert.throws(() => { Object.assign(requests.responses, { '2xx': 2 }) }, TypeError);
  (history.of(1) as unknown[]).pop()
  assert.equal(history.of(1).length, 1)
})
