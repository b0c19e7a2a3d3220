// What a bench prints: its figures as a table, each target with both sides, or all of it as JSON.
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'

export interface Target {
  readonly name: string
  readonly value: number
  /** Without a bound it is shown and not judged. */
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Report {
  readonly bench: string
  readonly rows: ReadonlyArray<Readonly<Record<string, string | number>>>
  readonly targets?: readonly Target[]
  /** What else belongs into the JSON. */
  readonly details?: object
}

/** The command line all benches share: `--json`, `--rounds <n>`, `--seconds <n>`. */
export function benchArguments (defaults: { rounds: number, seconds: number }): { json: boolean, rounds: number, seconds: number } {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string' }, seconds: { type: 'string' } } })
  return { json: values.json === true, rounds: Number(values.rounds ?? defaults.rounds), seconds: Number(values.seconds ?? defaults.seconds) }
}

/** A missed target is shown, and no error: figures depend on the machine. */
export function printReport (report: Report, json: boolean): void {
  const machine = { node: process.version, cpus: availableParallelism(), load: loadavg()[0] }
  if (json) return console.log(JSON.stringify({ ...report, machine }))
  console.log(`\n${report.bench}: Node ${machine.node}, ${machine.cpus} CPUs, load average ${machine.load?.toFixed(1)}`)
  console.table(report.rows)
  for (const { name, value, atLeast, atMost } of report.targets ?? []) {
    if (atLeast === undefined && atMost === undefined) {
      console.log(`     ${name}: ${round(value, 3)}`)
      continue
    }
    const met = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity)
    const wanted = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
    console.log(`${met ? 'ok  ' : 'MISS'} ${name}: ${round(value)} (target: ${wanted})`)
  }
}

export function round (value: number, digits = 2): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
