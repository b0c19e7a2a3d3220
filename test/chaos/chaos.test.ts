// A short run of chaos in the suite; `npm run chaos` is the long one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeChaos } from './chaos.ts'

const SECONDS = 20

test('whatever happens to workers, only what a killed one had in its hands fails, and the cluster comes back', async t => {
  const seed = Date.now() % 1_000_000
  t.diagnostic(`to repeat it: npm run chaos -- --seconds ${SECONDS} --seed ${seed}`)
  const { problems, answered } = await makeChaos(t, { seconds: SECONDS, seed })
  assert.deepEqual(problems, [], `seed ${seed}`)
  assert.ok(answered > 0)
})
