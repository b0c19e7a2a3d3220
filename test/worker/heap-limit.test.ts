// What V8 lets survive, from the limit that it tells and the flags that set it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { heapLimit } from '../../src/worker/heap-limit.ts'

const MEBIBYTE = 1024 * 1024
const mebibytes = (total: number, flags: string[]): number => Math.round(heapLimit(total * MEBIBYTE, flags) / MEBIBYTE)

void test('the young generation is taken off, however large it is in this Node, and less in small heaps', () => {
  for (const young of [48, 96, 192]) assert.deepEqual([mebibytes(4_096 + young, []), mebibytes(2_048 + young, [])], [4_096, 2_048])
  assert.equal(mebibytes(262, ['--inspect']), 256)
})

void test('a size that was asked for is the limit, the last one where there are more', () => {
  assert.equal(mebibytes(304, ['--max-old-space-size=512', '--max_old_space_size=256']), 256)
})

void test('by default it is the size that V8 gives to its old generation here', () => {
  const limits = [0, 1].map(size => Number(execFileSync(process.execPath, [...size === 0 ? [] : [`--max-old-space-size=${Math.round(heapLimit() / MEBIBYTE)}`], '--print', 'v8.getHeapStatistics().heap_size_limit'], { encoding: 'utf8' })))
  assert.ok(Math.abs((limits[0] ?? 0) - (limits[1] ?? 0)) <= MEBIBYTE, limits.join())
})
