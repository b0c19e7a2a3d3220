// Offers one process more than it can do, and tells how much of its work is still of use: `node --import tsx test/bench/overload/run.ts [shedding …]`.
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { SHEDDING } from './app.ts'
import type { AppOptions, Shedding } from './app.ts'
import type { Load } from './load.ts'
import type { LoadReport } from './tally.ts'

const FACTORS = numbers('FACTORS', [0.8, 1.2, 2, 5, 10])
const [MEASURED_SECONDS = 10] = numbers('MEASURED_SECONDS', [10])
const WARMUP_SECONDS = 3
const PEAK_CLIENTS = 20
const OPTIONS: unknown = JSON.parse(process.env['APP'] ?? '{}')

const chosen = SHEDDING.filter(shedding => process.argv.length < 3 || process.argv.includes(shedding))
const peak = await measurePeak()
console.log(`peak, by ${PEAK_CLIENTS} clients that each wait for their answer: ${peak.toFixed(0)} a second`)
for (const shedding of chosen) for (const factor of FACTORS) await measure(shedding, factor)

async function measurePeak (): Promise<number> {
  const report = await offer({ shedding: 'none' }, { phases: [{ rate: 0, seconds: WARMUP_SECONDS + MEASURED_SECONDS }], closed: PEAK_CLIENTS })
  return sum(report.useful) / MEASURED_SECONDS
}

async function measure (shedding: Shedding, factor: number): Promise<void> {
  const rate = peak * factor
  const report = await offer({ shedding, ...OPTIONS as object }, { phases: [{ rate, seconds: WARMUP_SECONDS + MEASURED_SECONDS }], retries: numbers('RETRIES', [0])[0] ?? 0 })
  const goodput = sum(report.useful) / MEASURED_SECONDS
  const seconds = report.seconds.map(count => count / goodput)
  const [critical = NaN, normal = NaN, sheddable = NaN] = report.useful.map((count, path) => count / (report.came[path] ?? 0))
  console.log([
    shedding.padEnd(14), `x${factor}`.padEnd(5),
    `goodput ${(goodput / peak).toFixed(3)} (offered ${(sum(report.came) / MEASURED_SECONDS / peak).toFixed(2)})`,
    `by second ${Math.min(...seconds).toFixed(2)}..${Math.max(...seconds).toFixed(2)}`,
    `p50 ${show(report.p50)} p99 ${show(report.p99)} shed p99 ${show(report.shedP99)}`,
    `critical ${critical.toFixed(3)} normal ${normal.toFixed(2)} sheddable ${sheddable.toFixed(2)}`,
    `lag p50 ${show(report.lag.p50, 1)} p99 ${show(report.lag.p99, 1)} max ${show(report.lag.max)}`,
    `load: cpu ${show(report.cpu, 2)} conns ${report.connections} errors ${report.outcomes.error} none ${report.outcomes['no-connection']}`
  ].join('  '))
}

/** A fresh process for each, so that none inherits the queue of the one before. */
async function offer (app: AppOptions, load: Omit<Load, 'port'>): Promise<LoadReport> {
  const server = start('./server.ts', app)
  try {
    const [{ port }] = await once(server, 'message') as [{ port: number }]
    const generator = start('./load.ts', { port, warmup: WARMUP_SECONDS, ...load } satisfies Load)
    let output = ''
    generator.stdout?.on('data', (chunk: Buffer) => { output += chunk.toString() })
    await once(generator, 'close')
    return JSON.parse(output) as LoadReport
  } finally {
    server.kill('SIGKILL')
  }
}

function start (file: string, argument: object): ChildProcess {
  return fork(new URL(file, import.meta.url), [JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
}

function show (value: number | null, digits: number = 0): string {
  return value?.toFixed(digits) ?? '-'
}

function sum (values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function numbers (name: string, otherwise: number[]): number[] {
  return process.env[name]?.split(',').map(Number) ?? otherwise
}
