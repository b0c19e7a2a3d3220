// The options of the plugin, resolved.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolvePluginOptions } from '../../src/options/resolve-plugin.ts'
import type { FastifyClusterizeOptions } from '../../src/options/plugin-types.ts'

for (const [options, headers] of [
  [{}, [['id', 'x-worker-id']]],
  [{ headers: {} }, [['id', 'x-worker-id']]],
  [{ headers: false }, []],
  [{ headers: { id: false } }, []],
  [{ headers: { id: undefined, pid: undefined } }, [['id', 'x-worker-id']]],
  [{ headers: { pid: true, generation: true } }, [['id', 'x-worker-id'], ['pid', 'x-worker-pid'], ['generation', 'x-worker-generation']]],
  [{ headers: { id: 'X-Served-By', pid: 'X-Pid' } }, [['id', 'x-served-by'], ['pid', 'x-pid']]]
] as ReadonlyArray<readonly [unknown, unknown]>) {
  void test(`${JSON.stringify(options)} means the headers ${JSON.stringify(headers)}`, () => {
    assert.deepEqual(resolvePluginOptions(options as FastifyClusterizeOptions).headers, headers)
  })
}

void test('options of under-pressure pass through; those present but undefined are left out', () => {
  const options = { underPressure: { retryAfter: 7, maxEventLoopUtilization: undefined } } as unknown as FastifyClusterizeOptions
  assert.deepEqual(resolvePluginOptions(options).underPressure, { retryAfter: 7 })
  assert.deepEqual(resolvePluginOptions({}).underPressure, {})
  assert.equal(resolvePluginOptions({ underPressure: false }).underPressure, false)
})

void test('the result is frozen', () => {
  assert.ok(Object.isFrozen(resolvePluginOptions({})))
})

void test('shedding is on by the loop and without a limit in flight; false turns both off', () => {
  const healthRoutes = ['/health', '/healthz', '/livez', '/readyz']
  assert.deepEqual(resolvePluginOptions({}).shedding, { maxQueueDelay: 100, maxInFlight: false, classify: undefined, healthRoutes })
  assert.deepEqual(resolvePluginOptions({ shedding: { maxQueueDelay: undefined, classify: undefined } } as unknown as FastifyClusterizeOptions).shedding, resolvePluginOptions({}).shedding)
  assert.deepEqual(resolvePluginOptions({ shedding: false }).shedding, { maxQueueDelay: false, maxInFlight: false, classify: undefined, healthRoutes })
  assert.deepEqual(resolvePluginOptions({ shedding: { maxInFlight: 'adaptive', healthRoutes: [] } }).shedding, { maxQueueDelay: 100, maxInFlight: 'adaptive', classify: undefined, healthRoutes: [] })
})

void test('the header of the reason has a usual name, or the user\'s', () => {
  const named = (reasonHeader: string | boolean | undefined): string | undefined => resolvePluginOptions({ shedding: { reasonHeader } } as FastifyClusterizeOptions).reasonHeader
  assert.deepEqual([undefined, false, true, 'X-Why'].map(named), [undefined, undefined, 'x-shed-reason', 'x-why'])
})

for (const [shedding, message] of [
  [true, /"shedding" must be one of false, or an object, received true/],
  [{ maxQueueDelay: 0 }, /"shedding\.maxQueueDelay" must be one of false, or a number of milliseconds from 5 to 60000, received 0/],
  [{ maxQueueDelay: '100' }, /maxQueueDelay.*received '100'/],
  [{ maxInFlight: 0 }, /"shedding\.maxInFlight" must be one of false, 'adaptive', or a whole number from 1/],
  [{ maxInFlight: 'auto' }, /maxInFlight.*received 'auto'/],
  [{ classify: 'critical' }, /"shedding\.classify" must be a function/],
  [{ reasonHeader: 'x y' }, /"shedding\.reasonHeader" must be true or false, or a header name/],
  [{ healthRoutes: ['livez'] }, /"shedding\.healthRoutes" must be a list of URLs/],
  [{ maxDelay: 5 }, /Unknown option "shedding\.maxDelay"/]
] as ReadonlyArray<readonly [unknown, RegExp]>) {
  void test(`shedding: ${JSON.stringify(shedding)} is an error that says what is right`, () => {
    assert.throws(() => resolvePluginOptions({ shedding } as FastifyClusterizeOptions), { message })
  })
}
