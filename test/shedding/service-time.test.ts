import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNKNOWN_SERVICE, nextServiceTime, perRequest } from '../../src/shedding/service-time.ts'
import type { ServiceTime } from '../../src/shedding/service-time.ts'

test('nothing is known before a request has ended or begun', () => {
  assert.equal(perRequest(UNKNOWN_SERVICE, 0), 0)
  assert.equal(perRequest(nextServiceTime(UNKNOWN_SERVICE, { busy: 100, turns: 1, begun: 0, ended: 0 }), 0), 0)
})

test('the time of a request is learned anew when it changes, within a second of work', () => {
  const service = after(after(UNKNOWN_SERVICE, { busy: 25, turns: 1, begun: 1, ended: 1 }, 40), { busy: 25, turns: 1, begun: 5, ended: 5 }, 40)
  assert.ok(Math.abs(perRequest(service, 0) - 5) < 0.5, `${perRequest(service, 0)} ms`)
})

test('turns without work change nothing, however many', () => {
  const before = after(UNKNOWN_SERVICE, { busy: 25, turns: 1, begun: 5, ended: 5 }, 40)
  assert.equal(perRequest(after(before, { busy: 0, turns: 1, begun: 0, ended: 0 }, 10_000), 0), perRequest(before, 0))
})

test('one long handler does not make the others long', () => {
  const usual = after(UNKNOWN_SERVICE, { busy: 25, turns: 1, begun: 5, ended: 5 }, 40)
  assert.ok(perRequest(nextServiceTime(usual, { busy: 300, turns: 1, begun: 1, ended: 1 }), 0) < 6)
})

test('what goes to others is none of a request\'s time', () => {
  const service = after(UNKNOWN_SERVICE, { busy: 66, turns: 1, begun: 6, ended: 6 }, 40)
  assert.ok(Math.abs(perRequest(service, 60) - 1) < 0.01, `${perRequest(service, 60)} ms`)
  assert.equal(perRequest(service, 100), 0)
})

test('a long turn is outweighed soon', () => {
  const service = after(nextServiceTime(UNKNOWN_SERVICE, { busy: 5000, turns: 1, begun: 1, ended: 1 }), { busy: 25, turns: 1, begun: 5, ended: 5 }, 80)
  assert.ok(perRequest(service, 0) < 10, `${perRequest(service, 0)} ms`)
})

test('streams that do not end are known by their beginning', () => {
  assert.equal(perRequest(nextServiceTime(UNKNOWN_SERVICE, { busy: 20, turns: 1, begun: 10, ended: 1 }), 0), 2)
})

function after (service: ServiceTime, latest: ServiceTime, turns: number): ServiceTime {
  for (let turn = 0; turn < turns; turn++) service = nextServiceTime(service, latest)
  return service
}
