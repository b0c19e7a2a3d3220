import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { createLedger } from '../../src/admin/ledger.ts'
import type { Snapshot } from '../../src/snapshot.ts'

function snapshot (total: number, shed: number): Snapshot {
  return {
    utilization: 0, loopDelay: { p50: 0, p99: 0, max: 0 }, memory: { rss: 0, heapUsed: 0, heapLimit: 0 }, gc: 1, uptime: 0, inspected: false,
    health: { state: 'unchecked', failures: 0, reason: null },
    requests: { inFlight: 0, total, shed, rate: 0, responses: { '2xx': total - shed, '5xx': shed } },
    shedding: { share: 0, delay: 0, limit: null, shed: {} },
    connections: { open: 0, idle: 0, movedIn: total, movedOut: 0 }
  }
}

test('counts what every worker of a slot counted, in whatever order their reports come, and never goes backwards', () => {
  // Workers in order of their start, two slots; each report adds to one of them.
  const report = fc.record({ worker: fc.integer({ min: 0, max: 5 }), requests: fc.integer({ min: 0, max: 100 }), shed: fc.integer({ min: 0, max: 10 }) })
  fc.assert(fc.property(fc.array(report, { maxLength: 60 }), reports => {
    const ledger = createLedger()
    const workers = Array.from({ length: 6 }, (_, index) => ({ slot: index % 2 + 1, total: 0, shed: 0 }))
    let before = 0
    for (const { worker: index, requests, shed } of reports) {
      const worker = workers[index] ?? assert.fail()
      worker.total += requests + shed
      worker.shed += shed
      ledger.report(worker, snapshot(worker.total, worker.shed))
      const { requests: after } = ledger.all()
      assert.ok(after >= before)
      before = after
    }
    const sum = (slot: number, key: 'total' | 'shed'): number => workers.filter(worker => worker.slot === slot).reduce((all, worker) => all + worker[key], 0)
    for (const slot of [1, 2]) {
      const { requests, shed, responses, movedIn } = ledger.slot(slot)
      assert.deepEqual({ requests, shed, movedIn }, { requests: sum(slot, 'total'), shed: sum(slot, 'shed'), movedIn: sum(slot, 'total') })
      assert.equal((responses['2xx'] ?? 0) + (responses['5xx'] ?? 0), requests)
    }
    assert.equal(ledger.all().gc, reports.length)
  }))
})
