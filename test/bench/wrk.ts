// Runs wrk and reads what it counted. Only answers below 300 count as requests.
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

// wrk's own printout rounds; its counters do not. It counts an answer from 400 as an error of status.
const PRINT_COUNTS = `function done (summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"status":%d,"socket":%d,"p50":%d,"p99":%d}\\n', summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
`

export interface WrkOptions {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** A new connection for each request. */
  readonly close?: boolean
  readonly path?: string
}

export interface WrkResult {
  /** Answers of class 2xx a second. */
  readonly rate: number
  readonly non2xx: number
  readonly socketErrors: number
  /** In ms. */
  readonly p50: number
  readonly p99: number
}

/** Ends the script with code 2 where wrk is missing. */
export function needWrk (): void {
  if (spawnSync('wrk', ['-v']).error === undefined) return
  console.error('wrk is missing. Install it: "apt-get install wrk" on Debian and Ubuntu, "brew install wrk" on macOS.')
  process.exit(2)
}

export async function wrk ({ port, connections, seconds, close = false, path: url = '/' }: WrkOptions): Promise<WrkResult> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', countsScript(), ...close ? ['-H', 'Connection: close'] : [], `http://127.0.0.1:${port}${url}`]
  const { stdout } = await run('wrk', args)
  const counts: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  const { requests, us, status, socket, p50, p99 } = counts as Record<'requests' | 'us' | 'status' | 'socket' | 'p50' | 'p99', number>
  return { rate: (requests - status) / us * 1e6, non2xx: status, socketErrors: socket, p50: p50 / 1000, p99: p99 / 1000 }
}

let script: string | undefined

function countsScript (): string {
  if (script !== undefined) return script
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-wrk-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  script = path.join(folder, 'counts.lua')
  writeFileSync(script, PRINT_COUNTS)
  return script
}
