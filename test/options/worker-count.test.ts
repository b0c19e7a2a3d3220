// How many workers there will be.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usableCpus, workerCount } from '../../src/options/worker-count.ts'
import type { CpuSources } from '../../src/options/worker-count.ts'

function sources (cpus: number, quota: number, webConcurrency?: string): CpuSources {
  return { environment: { WEB_CONCURRENCY: webConcurrency }, parallelism: () => cpus, quota: () => quota }
}

for (const [behaviour, cpus, quota, expected] of [
  ['without a quota all CPUs count', 8, Infinity, 8],
  ['a quota bounds them', 8, 3, 3],
  ['a fraction of a CPU is none', 8, 2.9, 2],
  ['there is at least one', 8, 0.2, 1],
  ['a quota above the CPUs changes nothing', 4, 16, 4]
] as const) {
  void test(behaviour, () => {
    assert.equal(usableCpus(sources(cpus, quota)), expected)
    assert.equal(workerCount('auto', sources(cpus, quota)), expected)
  })
}

void test('a number is taken as it is, whatever the machine and the environment say', () => {
  for (const wanted of [0, 1, 100]) assert.equal(workerCount(wanted, sources(2, 1, '7')), wanted)
})

for (const [text, expected] of [['1', 1], ['12', 12], ['1024', 1024]] as const) {
  void test(`"auto" takes WEB_CONCURRENCY=${text} over the CPUs`, () => {
    assert.equal(workerCount('auto', sources(2, 1, text)), expected)
  })
}

void test('an empty WEB_CONCURRENCY is as good as none', () => {
  assert.equal(workerCount('auto', sources(2, Infinity, '')), 2)
})

for (const text of ['0', '-1', '1.5', 'auto', '2x', ' 2', '1e2', '1025', '99999', '0x2']) {
  void test(`WEB_CONCURRENCY=${JSON.stringify(text)} is refused with what was expected`, () => {
    assert.throws(() => workerCount('auto', sources(2, 1, text)), {
      code: 'FST_CLUSTERIZE_INVALID_ENV',
      message: `Environment variable WEB_CONCURRENCY must be a whole number from 1 to 1024, received ${JSON.stringify(text)}`
    })
  })
}
