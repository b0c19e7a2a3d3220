// Looks for the report of a worker that hangs, which its watching thread writes shortly before; one that is stopped as a whole writes none.
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { hangReportPath } from '../hang-report.ts'
import type { RequestInFlight } from '../protocol.ts'

// How long a report may take, in ms, and how often to look.
const PATIENCE = 1_500
const POLL = 50

export interface HangReport {
  /** The file's path. */
  readonly report: string
  readonly requests: readonly RequestInFlight[]
}

export async function findHangReport (pid: number): Promise<HangReport | undefined> {
  const path = hangReportPath(pid)
  for (let waited = 0; waited <= PATIENCE; waited += POLL) {
    const found = await readFile(path, 'utf8').then(parse, () => undefined)
    if (found !== undefined) return { report: path, requests: found.activity?.requests ?? [] }
    await sleep(POLL)
  }
  return undefined
}

/** Undefined while it is still being written. */
function parse (text: string): { activity?: { requests: RequestInFlight[] } } | undefined {
  try {
    return JSON.parse(text) as { activity?: { requests: RequestInFlight[] } }
  } catch {
    return undefined
  }
}
