// Overload by requests that each have a connection of their own: those that wait are seen, and refused, as those of kept connections are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startArrivals, startOverloaded } from './start-cluster.ts'

/** Of one test, in ms, so that what never comes is told by name. */
const timeout = 150_000

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  test(`each is served or refused while workers are replaced, and all are served once there is time (${scheduling})`, { timeout }, async t => {
    // However long nobody leaves the queue of a loaded machine, it is never full: who is refused has waited too long.
    const cluster = await startOverloaded(t, { options: { workers: 2, scheduling, snapshotInterval: 50, ...scheduling === 'kernel' ? {} : { queue: { limit: 1_000_000 } } }, shedding: { maxQueueDelay: 50 } })
    cluster.slow({ all: 20 })
    // Three times what the two can do.
    const clients = startArrivals(cluster.target, '/normal', 3, 'fresh')
    await clients.reached('shed', 200)
    cluster.kill('SIGHUP')
    await cluster.event('reload-done')
    await clients.reached('shed', 200)
    await clients.reached('served', 50)
    cluster.slow({ all: 0 })
    for (let before = -1; before !== clients.answers.shed;) {
      before = clients.answers.shed
      await clients.reached('served', 250)
    }
    await clients.stop()
    assert.equal(clients.answers.other, 0)
    const { dispatch } = await cluster.stats()
    assert.equal(dispatch.rejectedTimeout > 0, scheduling !== 'kernel')
  })
}
