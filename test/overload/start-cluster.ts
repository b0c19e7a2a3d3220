// Starts the cluster of the overload tests, steers how slow it is, and keeps it busy.
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterStats, WorkerView } from '../../src/index.ts'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection, Response } from '../helpers/http-connection.ts'
import { startProcess } from '../helpers/processes.ts'
import type { Started } from '../helpers/processes.ts'
import { VARIABLE } from './setup.ts'
import type { Setup } from './setup.ts'

export interface OverloadedCluster extends Started {
  readonly target: { readonly host: string, readonly port: number }
  /** How many ms the handlers of a process (by pid), or of `all`, take from now on. */
  readonly slow: (by: Readonly<Record<string, number>>) => void
  readonly workers: () => Promise<WorkerView[]>
  readonly stats: () => Promise<ClusterStats>
}

export async function startOverloaded (t: TestContext, given: Omit<Setup, 'file'>): Promise<OverloadedCluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'overload-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'slowness.json')
  const started = startProcess(t, new URL('./entry.ts', import.meta.url).pathname, { env: { [VARIABLE]: JSON.stringify({ ...given, file } satisfies Setup) } })
  const { addresses } = await started.event('up') as unknown as { addresses: Array<{ address: string, port: number }> }
  // The log of the primary is written a moment later than what it prints itself.
  await started.event('cluster-ready')
  const [first] = addresses
  if (first === undefined) throw new Error('the cluster has no address')
  let asked = 0
  const ask = async (): Promise<{ workers: WorkerView[], stats: ClusterStats }> => {
    const id = ++asked
    started.send({ id })
    return await started.event('told', line => line['id'] === id) as unknown as { workers: WorkerView[], stats: ClusterStats }
  }
  return {
    ...started,
    target: { host: first.address, port: first.port },
    slow (by) {
      // In one step: a handler may read at any moment.
      writeFileSync(`${file}.new`, JSON.stringify(by))
      renameSync(`${file}.new`, file)
    },
    workers: async () => (await ask()).workers,
    stats: async () => (await ask()).stats
  }
}

export interface Answers { served: number, shed: number, other: number }

export interface Clients {
  readonly answers: Readonly<Answers>
  /** Resolves once so many more were answered so. */
  readonly reached: (what: keyof Answers, more: number) => Promise<void>
  /** Rejects where a request had no answer. */
  readonly stop: () => Promise<void>
}

/**
 * A request every few ms whether or not others were answered, as many clients do that know nothing of one another.
 *
 * @param connections whether they are used again, or each request has one of its own
 */
export function startArrivals (target: { host: string, port: number }, url: string, every: number, connections: 'kept' | 'fresh' = 'kept'): Clients {
  const tally = createTally()
  const idle: HttpConnection[] = []
  const pending = new Set<Promise<void>>()
  const failures: unknown[] = []
  const send = async (): Promise<void> => {
    const client = idle.pop() ?? await connect(target)
    tally.note(await client.get(url))
    if (connections === 'kept') idle.push(client)
    else client.close()
  }
  let due = performance.now()
  const timer = setInterval(() => {
    // What a busy machine made late is made up for.
    for (; due <= performance.now(); due += every) {
      const request: Promise<void> = send().catch((error: unknown) => { failures.push(error) }).finally(() => pending.delete(request))
      pending.add(request)
    }
  }, every)
  // Of a test that has failed nothing goes on.
  timer.unref()
  return {
    ...tally,
    async stop () {
      clearInterval(timer)
      await Promise.all(pending)
      for (const client of idle) client.close()
      assert.deepEqual(failures, [])
    }
  }
}

function createTally (): Pick<Clients, 'answers' | 'reached'> & { note: (response: Response) => void } {
  const answers: Answers = { served: 0, shed: 0, other: 0 }
  return {
    answers,
    note ({ status }) { answers[status === 200 ? 'served' : status === 503 ? 'shed' : 'other']++ },
    async reached (what, more) {
      const goal = answers[what] + more
      while (answers[what] < goal) await sleep(5)
    }
  }
}
