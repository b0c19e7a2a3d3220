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
