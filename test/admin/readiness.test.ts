import assert from 'node:assert/strict'
import test from 'node:test'
import { readinessOf } from '../../src/admin/readiness.ts'

test('is ready with enough workers while it runs, and says every reason why not', () => {
  const facts = { phase: 'running', isCrashLooping: false, workers: 2, minReady: 2 } as const
  assert.deepEqual(readinessOf(facts), { ready: true, reasons: [], workers: 2, minReady: 2 })
  assert.deepEqual(readinessOf({ ...facts, phase: 'booting', workers: 0 }).reasons, ['booting', 'too-few-workers'])
  assert.deepEqual(readinessOf({ ...facts, phase: 'stopping' }).reasons, ['stopping'])
  assert.deepEqual(readinessOf({ ...facts, isCrashLooping: true, workers: 1 }), { ready: false, reasons: ['crash-loop', 'too-few-workers'], workers: 1, minReady: 2 })
})
