// One run of chaos: a cluster under clients, random blows from a seed, and the list of what should not have happened.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { descendants, isAlive, startProcess, until } from '../helpers/processes.ts'
import type { Line, Started } from '../helpers/processes.ts'
import { seeded } from '../helpers/random.ts'
import { ACTIONS, livingPids } from './actions.ts'
import type { Victims } from './actions.ts'
import { startClients } from './clients.ts'
import type { ChaosSetup } from './entry.ts'
import { begunTwice, isSettled, twoOfOneSlot, unexplained } from './invariants.ts'

export interface ChaosOptions { readonly seconds: number, readonly seed: number, readonly connections?: number, readonly scheduling?: string, readonly say?: (text: string) => void }
export interface ChaosReport { readonly problems: readonly string[], readonly answered: number, readonly failed: number, readonly deaths: number, readonly actions: number, readonly heaps: readonly number[] }

const SCHEDULINGS = ['kernel', 'connection', 'request'] as const
const CALM_EVERY = 12
const LONGEST_PAUSE = 900
const WORKERS = 3
// After many blows at once, on a machine that has other things to do, in ms.
const LONGEST_RECOVERY = 120_000
// What the heap of the primary may have grown between the first calm and the last, in bytes.
const HEAP_GROWTH = 12 * 1024 * 1024

export async function makeChaos (t: Pick<TestContext, 'after'>, { seconds, seed, connections = 24, scheduling = SCHEDULINGS[seed % SCHEDULINGS.length] ?? 'kernel', say = () => {} }: ChaosOptions): Promise<ChaosReport> {
  const random = seeded(seed)
  const home = mkdtempSync(path.join(tmpdir(), 'chaos-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const [temporary, reports, folder] = ['tmp', 'reports', 'journal'].map(name => path.join(home, name)) as [string, string, string]
  for (const each of [temporary, reports, folder]) mkdirSync(each)
  const obstacle = path.join(home, 'obstacle')
  const cluster = await start(t, { options: optionsFor(scheduling), folder, obstacle }, { temporary, reports, seconds })
  const [{ address: host, port }] = (await cluster.event('up'))['addresses'] as [{ address: string, port: number }]
  const problems: string[] = []
  const pids = new Set<number>(descendants(cluster.pid))
  let wanted = WORKERS
  let actions = 0

  const state = async (): Promise<Line> => {
    const seen = count(cluster, 'state')
    cluster.send({ type: 'state' })
    await until(() => count(cluster, 'state') > seen, () => 'an account of the primary')
    const line = cluster.lines().findLast(({ event }) => event === 'state') ?? {}
    for (const pid of livingPids(cluster.lines())) pids.add(pid)
    problems.push(...twoOfOneSlot(line, cluster.lines()))
    return line
  }
  const calm = async (): Promise<Line> => {
    let line: Line = {}
    await until(async () => isSettled(line = await state(), wanted), () => `${wanted} ready workers; there are ${JSON.stringify(line)}, and the last ends were ${lastEnds(cluster.lines())}`, LONGEST_RECOVERY)
    return line
  }

  const victims: Victims = { target: { host, port }, obstacle, pids: () => livingPids(cluster.lines()), order: cluster.send, wanted: size => { wanted = size } }
  const bare = await calm()
  const clients = startClients({ host, port }, connections)
  const heaps: number[] = []
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) {
    const name = Object.keys(ACTIONS)[Math.floor(random() * Object.keys(ACTIONS).length)] ?? 'kill'
    say(`${actions++} ${name}`)
    await ACTIONS[name]?.(victims, random)
    await sleep(random() * LONGEST_PAUSE)
    await state()
    if (actions % CALM_EVERY === 0) heaps.push(Number((await calm())['heap']))
  }
  await calm()
  await clients.stop()
  wanted = WORKERS
  cluster.send({ type: 'scale', size: WORKERS })
  let last = bare
  const grown = (): string[] => ['fds', 'timers', 'children'].filter(what => Number(last[what]) > Number(bare[what]))
  await until(async () => {
    last = await calm()
    return grown().length === 0
  }, () => `the primary to let go of ${grown().map(what => `${what} (${String(bare[what])} before, ${String(last[what])} now)`).join()}`)
    .catch((error: unknown) => problems.push(String(error)))
  heaps.push(Number((await calm())['heap']))
  const [first = 0] = heaps
  if ((heaps.at(-1) ?? 0) > first + HEAP_GROWTH) problems.push(`the heap of the primary grew: ${heaps.join()}`)

  cluster.kill('SIGTERM')
  const exit = await cluster.exit()
  if (exit.code !== 0) problems.push(`the cluster ended with ${JSON.stringify(exit)}`)
  await until(() => ![...pids].some(isAlive), () => 'the end of all processes').catch((error: unknown) => problems.push(String(error)))
  // tsx keeps its cache there.
  const left = readdirSync(temporary).filter(name => !name.startsWith('tsx-'))
  if (left.length > 0) problems.push(`temporary files are left: ${left.join()}`)
  problems.push(...clients.wrong, ...unexplained(clients.failures, cluster.lines(), folder), ...begunTwice(folder))
  const deaths = cluster.lines().filter(({ event, kind }) => event === 'worker-exit' && !['stopped', 'retired', 'recycled'].includes(String(kind))).length
  return { problems: [...new Set(problems)], answered: clients.answered(), failed: clients.failures.length, deaths, actions, heaps }
}

function lastEnds (lines: readonly Line[]): string {
  return lines.filter(({ event }) => event === 'worker-exit').slice(-6).map(({ slot, kind }) => `${String(kind)} in slot ${String(slot)}`).join(', ')
}

function optionsFor (scheduling: string): ChaosSetup['options'] {
  return {
    port: 0,
    host: '127.0.0.1',
    workers: WORKERS,
    scheduling: scheduling as 'kernel',
    snapshotInterval: 100,
    // A blow may hit a worker that boots.
    bootTimeout: 30_000,
    hangTimeout: 2_000,
    drainTimeout: 8_000,
    errorDrainTimeout: 2_000,
    idleGrace: 300,
    reload: { stableFor: 200 },
    restart: { delay: 20, maxDelay: 300, limit: 1_000_000 },
    recycle: { maxRss: 180 * 1024 * 1024, minAge: 0 },
    // It would leave its files by design.
    compileCache: false,
    // For a while there may be nobody to serve: whoever waits is served all the same.
    ...scheduling === 'kernel' ? {} : { queue: { timeout: 60_000 } },
    ...scheduling === 'request' ? { concurrency: 8 } : {}
  }
}

async function start (t: Pick<TestContext, 'after'>, setup: ChaosSetup, { temporary, reports, seconds }: { temporary: string, reports: string, seconds: number }): Promise<Started> {
  const cluster = startProcess(t as TestContext, new URL('./entry.ts', import.meta.url).pathname, {
    patience: 3 * seconds * 1000 + 60_000,
    nodeArgs: ['--expose-gc'],
    env: { CHAOS: JSON.stringify(setup), TMPDIR: temporary, NODE_OPTIONS: `--report-directory=${reports}` }
  })
  await cluster.event('up')
  return cluster
}

function count (cluster: Started, event: string): number {
  return cluster.lines().filter(line => line['event'] === event).length
}
