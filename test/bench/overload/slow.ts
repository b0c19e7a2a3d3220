// What thousands of slow and deaf clients do to the latency of the others: p99 of a moderate load without them and with them.
import { start, offerTo, startServer } from './offer.ts'
import { parseArgs } from 'node:util'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SlowClients } from './slow-clients.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '4' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '2' },
    dripping: { type: 'string', default: '2000' },
    deaf: { type: 'string', default: '2000' },
    answers: { type: 'string', default: '2' }
  }
})
const load = { phases: [{ rate: Number(values.rate), seconds: Number(values.seconds) + 2 }], warmup: 2, connections: 200 }
const BACKLOG = 4096
/** What those who never read have asked for is sent by then, as far as it goes: that much work is a load of its own. */
const SETTLE_MS = 5000
const ratios: number[] = []

for (let round = 0; round < Number(values.rounds); round++) {
  const server = await startServer({ candidate: 'clusterize', workers: Number(values.workers), backlog: BACKLOG })
  try {
    const without = await offerTo(server.port, load)
    const slow = start('./slow-clients.ts', { port: server.port, dripping: Number(values.dripping), deaf: Number(values.deaf), answers: Number(values.answers) } satisfies SlowClients)
    await once(slow, 'message')
    await sleep(SETTLE_MS)
    const withThem = await offerTo(server.port, load)
    slow.send('how many?')
    const [{ dripping, deaf }] = await once(slow, 'message') as [{ dripping: number, deaf: number }]
    slow.disconnect()
    const ratio = (withThem.p99 ?? NaN) / (without.p99 ?? NaN)
    ratios.push(ratio)
    console.log(`p99 ${without.p99?.toFixed(1)} ms without, ${withThem.p99?.toFixed(1)} ms with ${values.dripping} that send a byte a second (${dripping} were closed) and ${values.deaf} that never read (${deaf} were closed): ${ratio.toFixed(2)}; errors ${without.outcomes.error} and ${withThem.outcomes.error}, load's lag p99 ${without.lag.p99?.toFixed(1)} and ${withThem.lag.p99?.toFixed(1)} ms`)
  } finally {
    await server.kill()
  }
}
console.log(`ratios ${ratios.map(ratio => ratio.toFixed(2)).join(' ')}, goal 1.5`)
