// What is shown on a terminal, for any status and any size of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ClusterStatus, SlotStatus } from '../../src/admin/status.ts'
import { failureText } from '../../src/cli/failure-view.ts'
import { CommandError } from '../../src/cli/exit-codes.ts'
import { eventText } from '../../src/cli/event-text.ts'
import { inWords, progressLine } from '../../src/cli/progress-view.ts'
import { parseEvents } from '../../src/cli/server-sent-events.ts'
import { statusText } from '../../src/cli/status-view.ts'
import { terminalLine } from '../../src/cli/terminal-line.ts'
import { topLines } from '../../src/cli/top-view.ts'

const EMPTY: SlotStatus = {
  id: 2, state: 'empty', pid: null, generation: null, uptime: null, health: null, utilization: null, loopDelay: null, memory: null, connections: null,
  requests: { total: 0, inFlight: 0, perSecond: 0, responses: {} }, shed: { total: 0, perSecond: 0 }, exits: 3, lastExit: null, others: []
}

const BUSY: SlotStatus = {
  ...EMPTY, id: 1, state: 'ready', pid: 4711, generation: 2, uptime: 93_784_000, utilization: 0.505, loopDelay: { p50: 1, p99: 12.6, max: 20 },
  memory: { rss: 104_857_600, heapUsed: 20_971_520, heapLimit: 4e9 }, connections: { open: 12, idle: 3 }, exits: 0,
  requests: { total: 900, inFlight: 4, perSecond: 150, responses: {} }, others: [{ pid: 4700, generation: 1, state: 'draining', uptime: 5, inFlight: 1 }]
}

const STATUS: ClusterStatus = {
  format: 1, at: 61_000, name: 'shop', version: '0.1.0', node: 'v20', pid: 99, startedAt: 0, phase: 'running', readiness: { ready: true, reasons: [], workers: 1, minReady: 1 },
  crashLoop: false, scheduling: 'kernel', addresses: ['127.0.0.1:3000'], admin: [], generation: 2, workers: { wanted: 2, ready: 1, booting: 0, draining: 1, unhealthy: 0, spare: 0 }, restarts: 3,
  reload: { generation: 2, startedAt: 58_000, done: [1], slots: 2 }, lastReload: null, queue: { waiting: 5, rejectedFull: 0, rejectedTimeout: 0 },
  totals: { requests: 900, responses: {}, shed: 0, inFlight: 4, perSecond: 150, shedPerSecond: 0, connections: { open: 12, idle: 3, moved: 0 } },
  duration: { p50: 1.25, p90: 9, p99: 31.7, count: 5 }, slots: [BUSY, EMPTY]
}

test('the status is a head and a table', () => {
  assert.deepEqual(statusText(STATUS).split('\n'), [
    'shop: ready, 1 of 2 workers ready, generation 2, up 1m1s, process 99',
    'at 127.0.0.1:3000',
    '150 req/s, 4 in flight, 12 connections, 0 shed/s, p50 1.3ms, p99 32ms, 5 waiting, 3 restarts',
    'reloading to generation 2 ████████████░░░░░░░░░░░░ 1/2, 3.0 s',
    '',
    'ID  STATE             PID  GEN  UPTIME  LOOP  DELAY   RSS  HEAP  CONN  BUSY  REQ/S  SHED/S  EXITS',
    ' 1  ready +draining  4711    2    1d2h   51%   13ms  100M   20M    12     4    150       0      0',
    ' 2  empty               -    -       -     -      -     -     -     -     0      0       0      3',
    ''
  ])
  const unready: ClusterStatus = { ...STATUS, reload: null, queue: null, duration: null, addresses: [], phase: 'booting', readiness: { ready: false, reasons: ['booting', 'too-few-workers'], workers: 0, minReady: 1 } }
  assert.match(statusText(unready), /^shop: booting, .*\nat -\n.*3 restarts\n\nID/)
})

test('top fills the terminal exactly, whatever its size and whatever is in the status', () => {
  const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) })
  fc.assert(fc.property(size, fc.integer({ min: 0, max: 80 }), fc.array(fc.string(), { maxLength: 50 }), fc.string(), (terminal, slots, events, name) => {
    const lines = topLines({ ...STATUS, name, slots: Array.from({ length: slots }, (_, index) => ({ ...BUSY, id: index + 1 })) }, events, terminal)
    assert.equal(lines.length, terminal.rows)
    // oxlint-disable-next-line no-control-regex
    assert.ok(lines.every(line => line.length <= terminal.columns && !/[\u0000-\u001F\u007F-\u009F]/.test(line)))
    assert.ok('q quits'.startsWith(lines.at(-1) ?? '-'))
  }))
})

test('top says how many slots do not fit, and fills what is left with the latest events', () => {
  const many = topLines({ ...STATUS, slots: Array.from({ length: 20 }, () => BUSY) }, ['an event'], { columns: 80, rows: 12 })
  assert.deepEqual(many.slice(-2), ['… 16 more', 'q quits'])
  const few = topLines(STATUS, ['first', 'second', 'third'], { columns: 80, rows: 12 })
  assert.deepEqual(few.slice(-4), ['', 'second', 'third', 'q quits'])
})

test('events are read from a stream however it is cut', async () => {
  const text = 'id: 1\nevent: stop\ndata: {"reason":"so"}\n\n: a comment\n\nevent: status\ndata: {"a":"b: c"}\n\n'
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), async cuts => {
    const places = [0, ...cuts.toSorted((a, b) => a - b), text.length]
    const parts = places.slice(1).map((end, index) => text.slice(places[index], end))
    const seen = []
    for await (const event of parseEvents((async function * () { yield * parts })())) seen.push(event)
    assert.deepEqual(seen, [{ event: 'stop', data: '{"reason":"so"}' }, { event: 'status', data: '{"a":"b: c"}' }])
  }))
})

test('an event is one line, with the local time', () => {
  const at = new Date(2026, 0, 1, 12, 30, 1).getTime()
  assert.equal(eventText('worker-exit', { at, id: 2, pid: 5, reason: 'it exited' }), '12:30:01  worker 2 (process 5) ended: it exited')
  assert.equal(eventText('reload', { at, generation: 2, state: 'failed', error: { message: 'no' } }), '12:30:01  reload to generation 2 failed: no')
  assert.equal(eventText('status', { at }), undefined)
})

test('what is written while progress is shown comes above it', () => {
  let written = ''
  const line = terminalLine({ write: (text: string | Uint8Array) => { written += String(text); return true } })
  line.write('a\n')
  line.progress('1/2')
  line.progress('1/2')
  line.write('b\n')
  line.progress('')
  assert.equal(written, 'a\n1/2\r\u001B[2Kb\n1/2\r\u001B[2K')
})

test('progress fits the terminal, and times are told in words', () => {
  assert.equal(progressLine({ label: 'booting', done: 1, total: 3 }, 80), 'booting ████████░░░░░░░░░░░░░░░░ 1/3')
  assert.equal(progressLine({ label: 'booting', done: 9, total: 3 }, 12).length, 11)
  assert.deepEqual([50, 9_949, 12_400, 61_000].map(inWords), ['0.1 s', '9.9 s', '12 s', '1 min 1 s'])
})

test('a failure is told by the stack of its root and by what to do about that', () => {
  const root = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', stack: 'Error: listen\n    at there' })
  const text = failureText(new Error('The cluster did not come up: listen EADDRINUSE', { cause: root }))
  assert.equal(text, '✖ The cluster did not come up: listen EADDRINUSE\n\nError: listen\n    at there\n\n→ another process listens there: stop it, or choose another port\n')
  assert.equal(failureText(new CommandError('No cluster runs', 3, 'start one')), 'clusterize: No cluster runs\n→ start one\n')
})
