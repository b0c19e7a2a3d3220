// Workers that die without a word: told apart, replaced, while the others serve.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectToSlot, holdRequest } from '../cluster/connect-to.ts'
import { ended, readyLines, startCluster } from '../cluster/start-cluster.ts'
import { until } from '../helpers/processes.ts'

test('a SIGSEGV, an abort and a full heap end one worker alone: it is replaced, and the reason is told', async t => {
  // A heap so small that it fills in no time; sparing the tests the fork of a report or a core.
  const cluster = await startCluster(t, { options: { workers: 2, restart: { delay: 1 }, recycle: { heapShare: false } } }, { env: { NODE_OPTIONS: '--max-old-space-size=60' } })
  const bystander = await holdRequest(await connectToSlot(cluster.target, 1))
  const kinds: unknown[] = []

  for (const how of ['SIGSEGV', 'SIGABRT', 'heap'] as const) {
    const victim = cluster.pidOf(2)
    const casualty = await connectToSlot(cluster.target, 2)
    if (how === 'heap') casualty.write('GET /fill-heap HTTP/1.1\r\nhost: test\r\n\r\n')
    else process.kill(victim, how)
    kinds.push((await cluster.event('worker-exit', ({ pid }) => pid === victim))['kind'])
    await casualty.ended
    await until(() => readyLines(cluster, 2).at(-1)?.['pid'] !== victim, () => 'a replacement')
  }

  assert.deepEqual(kinds.slice(0, 2), ['segfault', 'aborted'])
  // Which of the two depends on when it last reported.
  assert.ok(['heap-out-of-memory', 'aborted'].includes(String(kinds[2])), String(kinds[2]))
  assert.match(cluster.stderr(), /heap out of memory/)
  assert.equal((await bystander.finish()).status, 200)
  cluster.kill('SIGTERM')
  assert.deepEqual(await ended(cluster), { code: 0, signal: null })
})
