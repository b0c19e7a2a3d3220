// Starts real processes for a test, waits for what they say, and sees to it that none is left.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runnable } from './runnable.ts'

const PATIENCE = 30_000
const POLL = 20
const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url))

export type Line = Record<string, unknown>

export interface StartOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Arguments of Node, besides those that make it run TypeScript. */
  readonly nodeArgs?: readonly string[]
  /** All arguments of Node: the file is run as it is. */
  readonly execArgv?: readonly string[]
  readonly cwd?: string
  /** How long its end may take from when it is waited for, in ms. */
  readonly patience?: number
  readonly stdin?: 'ignore' | 'pipe'
  /** A file descriptor in place of the pipe whose lines are read. */
  readonly stdout?: number
  /** What is run instead, given the command with its arguments. */
  readonly wrap?: (command: readonly string[]) => readonly string[]
}

export interface Started {
  readonly pid: number
  readonly exit: () => Promise<{ code: number | null, signal: NodeJS.Signals | null }>
  /** The end of it and of every process it started: whoever lives holds the stdout they share. */
  readonly allGone: () => Promise<unknown>
  /** The first line, seen already or to come, for which `matches` is true; JSON is parsed, other text is `{ text }`. */
  readonly line: (matches: (line: Line) => boolean, what?: string) => Promise<Line>
  /** The first line with this `event`. */
  readonly event: (name: string, matches?: (line: Line) => boolean) => Promise<Line>
  readonly lines: () => readonly Line[]
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** Signals its whole process group, as a terminal does. */
  readonly killGroup: (signal: NodeJS.Signals) => void
  readonly send: (message: object) => void
  /** Writes to its stdin, which must be a pipe. */
  readonly type: (text: string) => void
  /** Closes its stdin and the reading ends of its output. */
  readonly closeStdin: () => void
  readonly closeStdout: () => void
  readonly closeStderr: () => void
}

/** Runs a file of test/fixtures (or an absolute path) in a process group of its own, which is killed when the test ends. */
export function startProcess (t: TestContext, entry: string, { args = [], env = {}, nodeArgs = [], execArgv, cwd = process.cwd(), patience = PATIENCE, stdin = 'ignore', stdout, wrap = command => command }: StartOptions = {}): Started {
  const source = path.isAbsolute(entry) ? entry : path.join(FIXTURES, entry)
  const run = execArgv === undefined ? runnable(source) : { execArgv, file: source }
  const [command = '', ...rest] = wrap([process.execPath, ...run.execArgv, ...nodeArgs, run.file, ...args])
  const child: ChildProcess = spawn(command, rest, { cwd, env: { ...process.env, ...env }, detached: true, stdio: [stdin, stdout ?? 'pipe', 'pipe', 'ipc'] })
  const output = collect(child)
  const exit = new Promise<{ code: number | null, signal: NodeJS.Signals | null }>(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const closed = new Promise(resolve => { child.once('close', resolve) })
  const pid = child.pid ?? assert.fail('the process did not start')
  t.after(async () => {
    signalGroup(pid, 'SIGKILL')
    await exit
  })
  const line: Started['line'] = (matches, what = 'a line') => output.find(matches, () => `${what} of ${entry}`)
  return {
    pid,
    exit: () => within(exit, () => `the exit of ${entry}; it said:\n${output.tail()}`, patience),
    allGone: () => within(closed, () => `the end of all processes of ${entry}; it said:\n${output.tail()}`, patience),
    line,
    event: (name, matches = () => true) => line(candidate => candidate['event'] === name && matches(candidate), `event ${name}`),
    lines: output.lines,
    stderr: output.stderr,
    kill: signal => { child.kill(signal) },
    killGroup: signal => signalGroup(pid, signal),
    send: message => { child.send(message) },
    type: text => { child.stdin?.write(text) },
    closeStdin: () => { child.stdin?.destroy() },
    closeStdout: () => { child.stdout?.destroy() },
    closeStderr: () => { child.stderr?.destroy() }
  }
}

interface Output { find: (matches: (line: Line) => boolean, what: () => string) => Promise<Line>, lines: () => readonly Line[], stderr: () => string, tail: () => string }

function collect (child: ChildProcess): Output {
  const lines: Line[] = []
  const waiting = new Set<(line: Line) => void>()
  // Nothing more comes once all that hold its stdout are gone.
  const over = new Promise(resolve => { child.once('close', resolve) })
  let rest = ''
  let errors = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const line = parse(part)
      lines.push(line)
      for (const see of waiting) see(line)
    }
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { errors += text })
  const tail = (): string => `${lines.slice(-20).map(line => JSON.stringify(line)).join('\n')}\n${errors.slice(-3000)}`
  return {
    lines: () => lines,
    stderr: () => errors,
    tail,
    find (matches, what) {
      const seen = lines.find(matches)
      if (seen !== undefined) return Promise.resolve(seen)
      const found = new Promise<Line>((resolve, reject) => {
        void over.then(() => reject(new Error(`it ended without ${what()}; it said:\n${tail()}`)))
        const see = (line: Line): void => {
          if (!matches(line)) return
          waiting.delete(see)
          resolve(line)
        }
        waiting.add(see)
      })
      return within(found, () => `${what()}; it said:\n${tail()}`)
    }
  }
}

function parse (text: string): Line {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Line : { text }
  } catch {
    return { text }
  }
}

/** Rejects after the test's patience, which begins when it begins to wait. Handled from the start, since not every test awaits what it asked for. */
function within<T> (promise: Promise<T>, what: () => string, patience: number = PATIENCE): Promise<T> {
  const limited = new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${patience} ms for ${what()}`)), patience)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
  limited.catch(() => {})
  return limited
}

function signalGroup (pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** All processes below one, at any depth. */
export function descendants (pid: number): number[] {
  const table = process.platform === 'linux' ? procTable() : psTable()
  const below = (parent: number): number[] => table.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

function procTable (): Array<[number, number]> {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(name => {
    const fields = statOf(Number(name))
    return fields === undefined ? [] : [[Number(name), Number(fields[1])] as [number, number]]
  })
}

function psTable (): Array<[number, number]> {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n').map(row => row.trim().split(/\s+/).map(Number) as [number, number])
}

/** State and parent, from /proc/PID/stat behind the command's name, which may hold spaces. */
function statOf (pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** How many file descriptors it has open, on Linux; 0 elsewhere. */
export function openFiles (pid: number): number {
  return process.platform === 'linux' ? readdirSync(`/proc/${pid}/fd`).length : 0
}

/** A zombie has ended: only its parent has not looked yet. */
export function isAlive (pid: number): boolean {
  if (process.platform === 'linux') return ![undefined, 'Z', 'X'].includes(statOf(pid)?.[0])
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until none of the processes is alive; fails naming those that are. */
export async function noneLeft (pids: readonly number[]): Promise<void> {
  await until(() => !pids.some(isAlive), () => `the end of processes ${pids.filter(isAlive).join(', ')}`)
}

/** Polls for a condition that no event tells of. */
export async function until (condition: () => boolean | Promise<boolean>, what: () => string, patience: number = PATIENCE): Promise<void> {
  const deadline = performance.now() + patience
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${patience} ms for ${what()}`)
    await sleep(POLL)
  }
}
