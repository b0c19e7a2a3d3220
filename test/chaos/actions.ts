// What can go wrong, or be ordered, at any moment; the choice is by chance, and the same again from the same seed.
import { rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Line } from '../helpers/processes.ts'

export interface Victims {
  readonly target: { readonly host: string, readonly port: number }
  readonly obstacle: string
  readonly pids: () => readonly number[]
  readonly order: (message: object) => void
  readonly wanted: (size: number) => void
}

type Action = (victims: Victims, random: () => number) => void | Promise<void>

export const ACTIONS: Readonly<Record<string, Action>> = {
  kill: (victims, random) => signal(pick(victims, random), 'SIGKILL'),
  segfault: (victims, random) => signal(pick(victims, random), 'SIGSEGV'),
  retire: (victims, random) => signal(pick(victims, random), 'SIGTERM'),
  async pause (victims, random) {
    const pid = pick(victims, random)
    signal(pid, 'SIGSTOP')
    await sleep(100 + random() * 400)
    signal(pid, 'SIGCONT')
  },
  freeze: (victims, random) => signal(pick(victims, random), 'SIGSTOP'),
  block: victims => ask(victims, '/block'),
  exit: victims => ask(victims, '/exit'),
  throw: victims => ask(victims, '/throw'),
  leak (victims) { for (let times = 0; times < 12; times++) ask(victims, '/leak') },
  'lose-acknowledgement': victims => ask(victims, '/die-on-acknowledgement'),
  async 'no-boot' (victims, random) {
    writeFileSync(victims.obstacle, '')
    signal(pick(victims, random), 'SIGKILL')
    if (random() < 0.5) victims.order({ type: 'reload' })
    await sleep(300 + random() * 700)
    rmSync(victims.obstacle)
  },
  reload: victims => victims.order({ type: 'reload' }),
  scale (victims, random) {
    const size = 1 + Math.floor(random() * 4)
    victims.wanted(size)
    victims.order({ type: 'scale', size })
  }
}

/** A process that has ended meanwhile was not to be found. */
function signal (pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function pick ({ pids }: Victims, random: () => number): number | undefined {
  const all = pids()
  return all[Math.floor(random() * all.length)]
}

/** Of whoever takes the connection; no answer is expected. */
function ask ({ target }: Victims, path: string): void {
  const socket = net.connect(target)
  socket.on('error', () => {}).on('close', () => {}).resume()
  socket.write(`GET ${path} HTTP/1.1\r\nhost: chaos\r\nx-request: ${path}\r\nconnection: close\r\n\r\n`)
}

/** Those that live by the log, in the order of their slots. */
export function livingPids (lines: readonly Line[]): number[] {
  const living = new Map<number, number>()
  for (const { event, pid, slot } of lines) {
    if (event === 'worker-ready') living.set(Number(pid), Number(slot))
    if (event === 'worker-exit') living.delete(Number(pid))
  }
  return [...living].toSorted(([, a], [, b]) => a - b).map(([pid]) => pid)
}
