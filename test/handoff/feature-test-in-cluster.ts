// A cluster whose workers run the feature test of handoff all at the same time, again and again; prints how often it failed.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { canHandOff } from '../../src/handoff/can-hand-off.ts'

const WORKERS = 4
const TIMES = 25

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE
  const failures = Array.from({ length: WORKERS }, async () => {
    const [count] = await once(cluster.fork(), 'message') as [number]
    return count
  })
  console.log(JSON.stringify({ event: 'tried', failures: await Promise.all(failures) }))
} else {
  let failures = 0
  for (let time = 0; time < TIMES; time++) if (!await canHandOff({ deadline: 1000 })) failures++
  process.send?.(failures, () => { process.disconnect() })
}
