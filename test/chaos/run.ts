// npm run chaos -- [--seconds 120] [--seed N] [--connections 24] [--scheduling kernel|connection|request]
import { parseArgs } from 'node:util'
import { makeChaos } from './chaos.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    connections: { type: 'string', default: '24' },
    scheduling: { type: 'string' }
  }
})
const cleanups: Array<() => unknown> = []
const t = { after: (fn?: unknown) => { cleanups.push(fn as () => unknown) } }
console.log(`seed ${values.seed}`)
try {
  const { problems, ...report } = await makeChaos(t, {
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    connections: Number(values.connections),
    ...values.scheduling === undefined ? {} : { scheduling: values.scheduling },
    say: console.log
  })
  console.log({ seed: values.seed, ...report })
  for (const problem of problems) console.log(`PROBLEM ${problem}`)
  process.exitCode = problems.length > 0 ? 1 : 0
} finally {
  for (const cleanup of cleanups.toReversed()) await cleanup()
}
