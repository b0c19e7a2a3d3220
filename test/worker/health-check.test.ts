// How the user's health check is run, and what counts as a failure.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Health } from '../../src/snapshot.ts'
import { startHealthCheck } from '../../src/worker/health-check.ts'

const APP = { name: 'the app' } as unknown as FastifyInstance

interface Run { readonly health: () => Health, readonly pass: (ms: number) => Promise<void>, readonly calls: () => number }

/** Each call of the check is answered by the next of `answers`, the last one again and again. */
function run (t: TestContext, answers: ReadonlyArray<() => unknown>, signal = new AbortController().signal): Run {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  let calls = 0
  const check = (app: FastifyInstance): unknown => {
    assert.equal(app, APP)
    return answers[Math.min(calls++, answers.length - 1)]?.()
  }
  const health = startHealthCheck(APP, { check, interval: 100, timeout: 30, failures: 3 }, signal)
  const settle = (): Promise<void> => new Promise(resolve => { setImmediate(resolve) })
  return {
    health,
    calls: () => calls,
    async pass (ms) {
      await settle()
      t.mock.timers.tick(ms)
      await settle()
    }
  }
}

void test('it is run at once and each interval, and a failure is healed by the next success', async t => {
  const { health, pass, calls } = run(t, [() => true, () => false, () => { throw new TypeError('no database') }, () => Promise.reject(new Error('still none')), async () => undefined])
  assert.equal(health().state, 'unchecked')
  await pass(0)
  assert.deepEqual(health(), { state: 'healthy', failures: 0, reason: null })
  await pass(100)
  assert.deepEqual(health(), { state: 'unhealthy', failures: 1, reason: 'it said false' })
  await pass(100)
  assert.deepEqual(health(), { state: 'unhealthy', failures: 2, reason: 'TypeError: no database' })
  await pass(100)
  assert.deepEqual(health(), { state: 'unhealthy', failures: 3, reason: 'Error: still none' })
  await pass(100)
  assert.deepEqual(health(), { state: 'healthy', failures: 0, reason: null })
  assert.equal(calls(), 5)
})

void test('one that hangs fails each interval without being begun again, and what it says too late does not count', async t => {
  let answer = (): void => {}
  const { health, pass, calls } = run(t, [() => new Promise<void>(resolve => { answer = resolve }), () => true])
  await pass(29)
  assert.equal(health().state, 'unchecked')
  await pass(1)
  assert.deepEqual(health(), { state: 'unhealthy', failures: 1, reason: 'it has not ended within 30 ms' })
  await pass(100)
  await pass(100)
  assert.deepEqual([health().failures, calls()], [3, 1])

  answer()
  await pass(0)
  assert.deepEqual([health().state, calls()], ['unhealthy', 1])
  await pass(100)
  assert.deepEqual([health().state, calls()], ['healthy', 2])
})

void test('a worker that drains is not checked any more', async t => {
  const drain = new AbortController()
  const { pass, calls } = run(t, [() => true], drain.signal)
  await pass(100)
  drain.abort()
  await pass(300)
  assert.equal(calls(), 2)
})
