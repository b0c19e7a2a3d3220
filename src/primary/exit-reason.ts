// Tells why a worker ended, from its exit status and what the primary had asked of it: a kind to count and a sentence to read. Pure.
import type { ExitKind } from '../exit-kinds.ts'

/** What the primary had asked of a worker before it ended. */
export type ExitIntent = 'none' | 'stop' | 'retire' | 'recycle' | 'unhealthy' | 'kill-hang' | 'kill-boot-timeout' | 'kill-drain-timeout' | 'kill-forced'

export interface ExitReason {
  readonly kind: ExitKind
  /** What happened, as a clause about "it". */
  readonly text: string
}

export interface ExitFacts {
  readonly code: number | null
  readonly signal: string | null
  readonly intent: ExitIntent
  /** Whether it had become ready. @default true */
  readonly ready?: boolean | undefined
  /** The error it sent before it ended. */
  readonly reported?: { readonly during: 'boot' | 'run', readonly error: Error } | undefined
  /** Its last snapshot, in bytes. */
  readonly memory?: { readonly rss: number, readonly heapUsed: number, readonly heapLimit: number } | undefined
}

interface Status {
  readonly code: number | null
  readonly signal: string | null
  /** As it was ended, in words. */
  readonly by: string
}

const ORDERED: Readonly<Partial<Record<ExitIntent, ExitReason>>> = {
  stop: { kind: 'stopped', text: 'the cluster stops' },
  retire: { kind: 'retired', text: 'it was replaced or is no longer wanted' },
  recycle: { kind: 'recycled', text: 'it was recycled' },
  unhealthy: { kind: 'unhealthy', text: 'its health check failed too often' }
}

const KILLED: Readonly<Partial<Record<ExitIntent, ExitReason>>> = {
  'kill-hang': { kind: 'killed-hang', text: 'it was killed because it gave no sign of life within hangTimeout' },
  'kill-boot-timeout': { kind: 'killed-boot-timeout', text: 'it was killed because it was not ready within bootTimeout' },
  'kill-drain-timeout': { kind: 'killed-drain-timeout', text: 'it was killed because it did not finish within drainTimeout' },
  'kill-forced': { kind: 'killed-forced', text: 'it was killed because the stop was forced' }
}

/** Shells and container runtimes report a signal as 128 plus its number; Node on Windows aborts with 134. */
const SIGNAL_CODES: ReadonlyMap<number, string> = new Map([[132, 'SIGILL'], [133, 'SIGTRAP'], [134, 'SIGABRT'], [135, 'SIGBUS'], [137, 'SIGKILL'], [139, 'SIGSEGV']])
/** NTSTATUS codes that end a process on Windows: access violation, stack overflow, fail-fast. */
const WINDOWS_FAULTS: ReadonlyMap<number, string> = new Map([[0xC0000005, 'SIGSEGV'], [0xC00000FD, 'SIGSEGV'], [0xC0000409, 'SIGABRT']])
/** From the chapter "Exit codes" of Node's documentation. */
const CODE_MEANINGS: ReadonlyMap<number, string> = new Map([
  [1, 'an uncaught error, unless the app chose it'], [5, 'a fatal error in V8'], [7, 'an error in its handler of uncaught errors, unless the app chose it'],
  [9, 'an invalid argument'], [12, 'an invalid debugger argument'], [13, 'a top-level await that never settled']
])
/** V8 gives up when collections near the limit free next to nothing, and the last snapshot may be half a second old. */
const HEAP_NEARLY_FULL = 0.75
const MEBIBYTE = 1024 * 1024

export function exitReason (facts: ExitFacts): ExitReason {
  const { intent, reported } = facts
  const status = statusOf(facts)
  const ordered = ORDERED[intent]
  if (ordered !== undefined && status.code === 0) return ordered
  const killed = status.signal === 'SIGKILL' ? KILLED[intent] : undefined
  // An error of its own is the root: that it then had to be killed is a consequence.
  const root = reported === undefined ? undefined : reportedReason(reported)
  if (root !== undefined && killed !== undefined) return { kind: root.kind, text: `${root.text}, then ${killed.text}` }
  const { kind, text } = root ?? killed ?? ownReason(status, facts)
  return { kind, text: ordered === undefined ? text : `${text}, while it was ending because ${ordered.text}` }
}

function statusOf ({ code, signal }: ExitFacts): Status {
  if (signal !== null) return { code, signal, by: signal }
  const hidden = code === null ? undefined : SIGNAL_CODES.get(code) ?? WINDOWS_FAULTS.get(code >>> 0)
  return hidden === undefined ? { code, signal: null, by: `code ${code}` } : { code, signal: hidden, by: `code ${code}, which stands for ${hidden}` }
}

function reportedReason ({ during, error }: NonNullable<ExitFacts['reported']>): ExitReason {
  return during === 'boot'
    ? { kind: 'boot-failed', text: `it could not start: ${error.name}: ${error.message}` }
    : { kind: 'uncaught-error', text: `uncaught ${error.name}: ${error.message}` }
}

function ownReason ({ code, signal, by }: Status, { memory, ready = true }: ExitFacts): ExitReason {
  const when = ready ? '' : ' before it was ready'
  switch (signal) {
    case null: return exitCode(code, ready)
    case 'SIGKILL': return { kind: 'oom-kill', text: `it was killed${when} by a SIGKILL that the cluster did not send, likely by the kernel's out-of-memory killer${lastMemory(memory)}` }
    case 'SIGABRT': return abort(memory, `${by}${when}`)
    case 'SIGTRAP':
    case 'SIGILL': return { kind: 'aborted', text: `V8 or native code stopped it${when} at a failed check (${by})` }
    case 'SIGSEGV':
    case 'SIGBUS': return { kind: 'segfault', text: `native code made an invalid memory access${when} (${by})` }
    default: return { kind: 'signal', text: `it was ended${when} by a ${by} that the cluster did not send` }
  }
}

function exitCode (code: number | null, ready: boolean): ExitReason {
  const meaning = CODE_MEANINGS.get(code ?? 0)
  const told = meaning === undefined ? `code ${code}` : `code ${code} (${meaning})`
  return ready ? { kind: 'exit-code', text: `it exited by itself with ${told}` } : { kind: 'boot-failed', text: `it exited with ${told} before it was ready` }
}

/** A full heap and `process.abort` end alike, by SIGABRT, on every Node: only the heap's last size tells them apart. */
function abort (memory: ExitFacts['memory'], by: string): ExitReason {
  if (memory !== undefined && memory.heapUsed >= memory.heapLimit * HEAP_NEARLY_FULL) {
    return { kind: 'heap-out-of-memory', text: `its JavaScript heap was likely full: ${inMebibytes(memory.heapUsed)} of ${inMebibytes(memory.heapLimit)} at the last report (${by})` }
  }
  return { kind: 'aborted', text: `it aborted (${by}): process.abort, a failed check in native code, or a heap that filled up since the last report` }
}

function lastMemory (memory: ExitFacts['memory']): string {
  return memory === undefined ? '' : ` (it used ${inMebibytes(memory.rss)} at the last report)`
}

function inMebibytes (bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`
}
