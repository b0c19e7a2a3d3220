// Why a worker ended: as a table, and as real processes really end on this Node.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ExitKind } from '../../src/exit-kinds.ts'
import { exitReason } from '../../src/primary/exit-reason.ts'
import type { ExitFacts, ExitIntent } from '../../src/primary/exit-reason.ts'

const MIB = 1024 * 1024
const FULL = { rss: 300 * MIB, heapUsed: 250 * MIB, heapLimit: 256 * MIB }
const HALF = { rss: 200 * MIB, heapUsed: 100 * MIB, heapLimit: 256 * MIB }
const failure = new TypeError('x is not a function')

const rows: ReadonlyArray<readonly [facts: Partial<ExitFacts>, kind: ExitKind, text: RegExp]> = [
  [{ intent: 'stop', code: 0 }, 'stopped', /cluster stops/],
  [{ intent: 'retire', code: 0 }, 'retired', /no longer wanted/],
  [{ intent: 'recycle', code: 0 }, 'recycled', /recycled/],
  [{ intent: 'kill-hang', signal: 'SIGKILL' }, 'killed-hang', /no sign of life within hangTimeout/],
  [{ intent: 'kill-boot-timeout', signal: 'SIGKILL', ready: false }, 'killed-boot-timeout', /bootTimeout/],
  [{ intent: 'kill-drain-timeout', signal: 'SIGKILL' }, 'killed-drain-timeout', /drainTimeout/],
  [{ intent: 'kill-forced', signal: 'SIGKILL' }, 'killed-forced', /forced/],
  [{ signal: 'SIGKILL' }, 'oom-kill', /did not send, likely by the kernel's out-of-memory killer$/],
  [{ signal: 'SIGKILL', memory: HALF }, 'oom-kill', /200 MiB at the last report/],
  [{ signal: 'SIGKILL', intent: 'stop' }, 'oom-kill', /likely .* while it was ending because the cluster stops/],
  [{ code: 137 }, 'oom-kill', /likely/],
  [{ signal: 'SIGABRT', memory: FULL }, 'heap-out-of-memory', /likely full: 250 MiB of 256 MiB at the last report \(SIGABRT\)/],
  [{ signal: 'SIGABRT', memory: HALF }, 'aborted', /process\.abort/],
  [{ signal: 'SIGABRT' }, 'aborted', /process\.abort/],
  [{ code: 134, memory: FULL }, 'heap-out-of-memory', /code 134, which stands for SIGABRT/],
  [{ signal: 'SIGTRAP' }, 'aborted', /failed check \(SIGTRAP\)/],
  [{ signal: 'SIGILL' }, 'aborted', /failed check/],
  [{ signal: 'SIGSEGV' }, 'segfault', /invalid memory access \(SIGSEGV\)/],
  [{ signal: 'SIGBUS' }, 'segfault', /SIGBUS/],
  [{ code: 139 }, 'segfault', /code 139/],
  [{ code: 0xC0000005 }, 'segfault', /invalid memory access/],
  [{ code: 0xC0000005 | 0 }, 'segfault', /invalid memory access/],
  [{ code: 1, reported: { during: 'run', error: failure } }, 'uncaught-error', /^uncaught TypeError: x is not a function$/],
  [{ code: 1, ready: false, reported: { during: 'boot', error: failure } }, 'boot-failed', /could not start: TypeError: x is not a function/],
  [{ signal: 'SIGKILL', intent: 'kill-drain-timeout', reported: { during: 'run', error: failure } }, 'uncaught-error', /^uncaught .*, then it was killed because it did not finish within drainTimeout$/],
  [{ code: 1, intent: 'stop', reported: { during: 'run', error: failure } }, 'uncaught-error', /while it was ending/],
  [{ code: 0 }, 'exit-code', /by itself with code 0/],
  [{ code: 3 }, 'exit-code', /by itself with code 3$/],
  [{ code: 7 }, 'exit-code', /code 7 \(an error in its handler of uncaught errors, unless the app chose it\)/],
  [{ code: 1, ready: false }, 'boot-failed', /code 1 .* before it was ready/],
  [{ code: 2, intent: 'retire' }, 'exit-code', /code 2, while it was ending because it was replaced/],
  [{ code: 0, intent: 'kill-hang' }, 'exit-code', /by itself with code 0/],
  [{ signal: 'SIGTERM' }, 'signal', /SIGTERM that the cluster did not send/]
]

for (const [facts, kind, text] of rows) {
  const { reported, memory, ...rest } = facts
  test(`calls ${JSON.stringify(rest)}${reported === undefined ? '' : ` after an error during ${reported.during}`}${memory === FULL ? ' with a full heap' : ''} ${kind}`, () => {
    const reason = exitReason({ code: null, signal: null, intent: 'none', ...facts })
    assert.equal(reason.kind, kind)
    assert.match(reason.text, text)
  })
}

test('has one line without gaps for whatever happens, and blames the kernel only for a SIGKILL nobody sent', () => {
  const intents: ExitIntent[] = ['none', 'stop', 'retire', 'recycle', 'kill-hang', 'kill-boot-timeout', 'kill-drain-timeout', 'kill-forced']
  const status = fc.oneof(
    fc.record({ code: fc.integer({ min: 0, max: 255 }), signal: fc.constant(null) }),
    fc.record({ code: fc.constant(null), signal: fc.constantFrom('SIGKILL', 'SIGABRT', 'SIGSEGV', 'SIGTERM', 'SIGTRAP', 'SIGUSR2') })
  )
  fc.assert(fc.property(status, fc.constantFrom(...intents), fc.boolean(), fc.option(fc.constantFrom(FULL, HALF), { nil: undefined }), (status, intent, ready, memory) => {
    const { kind, text } = exitReason({ ...status, intent, ready, memory })
    assert.doesNotMatch(text, /undefined|null|NaN|\n| {2}/)
    if (kind === 'oom-kill') assert.ok((status.signal === 'SIGKILL' || status.code === 137) && !intent.startsWith('kill-'))
    if (kind.startsWith('killed-')) assert.ok(intent.startsWith('kill-'))
  }), { numRuns: 2_000 })
})

const FULL_HEAP = '--max-old-space-size=20'
const endings: ReadonlyArray<readonly [name: string, args: readonly string[], memory: ExitFacts['memory'], kind: ExitKind]> = [
  ['fills its heap', [FULL_HEAP, '-e', 'const all = []; for (;;) all.push(new Array(1000).fill(1.5))'], FULL, 'heap-out-of-memory'],
  ['calls process.abort', ['-e', 'process.abort()'], HALF, 'aborted'],
  ['aborts on an uncaught error', ['--abort-on-uncaught-exception', '-e', 'throw new Error()'], HALF, 'aborted'],
  ['has a segmentation fault', ['-e', 'process.kill(process.pid, "SIGSEGV"); setInterval(() => {}, 1000)'], HALF, 'segfault'],
  ['is killed by another', ['-e', 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)'], HALF, 'oom-kill'],
  ['exits by a call', ['-e', 'process.exit(3)'], HALF, 'exit-code'],
  ['throws', ['-e', 'throw new Error()'], HALF, 'exit-code']
]

for (const [name, args, memory, kind] of endings) {
  test(`calls it ${kind} when a real process ${name}`, async t => {
    const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', process.execPath, ...args], { stdio: 'ignore' })
    t.after(() => child.kill('SIGKILL'))
    const [code, signal]: [number | null, NodeJS.Signals | null] = await once(child, 'exit') as [number | null, NodeJS.Signals | null]
    assert.equal(exitReason({ code, signal, intent: 'none', memory }).kind, kind)
  })
}
