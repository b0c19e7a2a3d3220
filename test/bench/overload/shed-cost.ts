// Tells what one shed answer costs, by each way to give it: `node --import tsx test/bench/overload/shed-cost.ts [part of a name]`.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpuTime } from '../processes.ts'
import { needWrk, wrk } from '../wrk.ts'
import { ANSWERS } from './shed-answers.ts'

const CONNECTIONS = 50
const WARMUP_SECONDS = 1
const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
const SECONDS_EACH = Number(process.env['SECONDS_EACH'] ?? 2)

needWrk()
console.log('CPU time of the server for one answer, in µs, the least of the rounds; answers a second in that round')
for (const name of Object.keys(ANSWERS).filter(name => name.includes(process.argv[2] ?? ''))) {
  const server = fork(new URL('./shed-answers.ts', import.meta.url), [name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ port }] = await once(server, 'message') as [{ port: number }]
  await wrk({ port, connections: CONNECTIONS, seconds: WARMUP_SECONDS })
  let best = { cpu: Infinity, rate: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuTime([server.pid ?? 0])
    const { rate, non2xx } = await wrk({ port, connections: CONNECTIONS, seconds: SECONDS_EACH })
    const answers = rate * SECONDS_EACH + non2xx
    const cpu = (cpuTime([server.pid ?? 0]) - before) / answers
    if (cpu < best.cpu) best = { cpu, rate: answers / SECONDS_EACH }
  }
  server.kill('SIGKILL')
  console.log(`${best.cpu.toFixed(1).padStart(6)}  ${best.rate.toFixed(0).padStart(6)}  ${name}`)
}
