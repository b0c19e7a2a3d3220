// A short run of chaos in the suite; `npm run chaos` is the long one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeChaos } from './chaos.ts'

const SECONDS = 8
// With `connection` scheduling, which has all of the handoff and the queue in it. The long run takes a new one each time.
const SEED = 211

test('whatever happens to workers, only what a killed one had in its hands fails, and the cluster comes back', async t => {
  t.diagnostic(`to repeat it: npm run chaos -- --seconds ${SECONDS} --seed ${SEED}`)
  const { problems, answered } = await makeChaos(t, { seconds: SECONDS, seed: SEED })
  assert.deepEqual(problems, [], `seed ${SEED}`)
  assert.ok(answered > 0)
})
