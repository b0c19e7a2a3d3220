// Finds and ends the processes that a run started and left behind, by a mark in their environment.
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const MARK = 'CLUSTERIZE_TEST_RUN'
const POLL_MS = 100

/** An environment whose processes `leftBehind` can find again, however far their parents are gone. */
export function marked (env = process.env) {
  return { ...env, [MARK]: randomUUID() }
}

/**
 * The processes of a marked environment that are still alive. With `orphans`, only those that no longer descend
 * from this process. Linux only: elsewhere no process can be found by its environment, and the list is empty.
 */
export function leftBehind (env, { orphans = false } = {}) {
  if (process.platform !== 'linux') return []
  const found = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
    .filter((pid) => pid !== process.pid && readProc(pid, 'environ').split('\0').includes(`${MARK}=${env[MARK]}`))
  return found
    .filter((pid) => !orphans || !descendsFromHere(pid))
    .map((pid) => ({ pid, command: readProc(pid, 'cmdline').split('\0').join(' ').trim() }))
}

/** Waits until nothing is left behind, kills what still is after `graceMs`, and returns what it had to kill. */
export async function reap (env, graceMs) {
  const deadline = Date.now() + graceMs
  while (leftBehind(env).length > 0 && Date.now() < deadline) await sleep(POLL_MS)
  return kill(leftBehind(env))
}

/** Kills processes that may already be gone, and returns them. */
export function kill (processes) {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (err) {
      if (err.code !== 'ESRCH') throw err
    }
  }
  return processes
}

/** One line a process, for a person to read. */
export function describe (processes) {
  return processes.map(({ pid, command }) => `  ${pid} ${command}`).join('\n')
}

function descendsFromHere (pid) {
  for (let current = pid; current > 1; current = parentOf(current)) {
    if (current === process.pid) return true
  }
  return false
}

// The parent is the second field after the command's name, which stands in parentheses and may hold anything.
function parentOf (pid) {
  const fields = readProc(pid, 'stat').split(') ').at(-1).split(' ')
  return Number(fields[1] ?? 0)
}

// A process may end between being listed and being read, and others' processes cannot be read at all. A zombie
// has an empty environment, which is right: it no longer runs.
function readProc (pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
