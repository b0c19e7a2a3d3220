// The errors of this package, and how any error travels between processes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as errors from '../src/errors.ts'
import { deserializeError, serializeError } from '../src/errors.ts'

const { BootFailedError, InvalidOptionError, ShedError } = errors

/** As IPC does it. */
function travel (thrown: unknown): Error & { code?: string } {
  return deserializeError(JSON.parse(JSON.stringify(serializeError(thrown))))
}

void test('each error has a code of its own and a message', () => {
  const classes = Object.entries(errors).filter(([name]) => name.endsWith('Error') && /^[A-Z]/.test(name))
  const codes = classes.map(([, Class]) => new (Class as typeof ShedError)('a', 'b', 'c').code)
  assert.ok(codes.length > 15)
  assert.equal(new Set(codes).size, codes.length)
  for (const code of codes) assert.match(code, /^FST_CLUSTERIZE_[A-Z_]+$/)
})

void test('an error keeps its cause, and is an Error of its class', () => {
  const cause = new Error('port taken')
  const error = new BootFailedError('port taken', { cause })
  assert.equal(error.cause, cause)
  assert.ok(error instanceof BootFailedError)
  assert.ok(error instanceof Error)
})

void test('what was shed answers 503', () => {
  assert.equal(new ShedError().statusCode, 503)
})

void test('a travelled error has the name, message, code, stack and causes of the original', () => {
  const root = Object.assign(new TypeError('deep'), { code: 'EDEEP' })
  const original = new InvalidOptionError('port', 'a number', "'x'")
  original.cause = new Error('middle', { cause: root })
  const arrived = travel(original)
  assert.equal(arrived.name, original.name)
  assert.equal(arrived.message, original.message)
  assert.equal(arrived.code, 'FST_CLUSTERIZE_INVALID_OPTION')
  assert.equal(arrived.stack, original.stack)
  const [middle, deep] = [arrived.cause as Error, (arrived.cause as Error).cause as Error & { code?: string }]
  assert.equal(middle.message, 'middle')
  assert.equal(deep.name, 'TypeError')
  assert.equal(deep.code, 'EDEEP')
  assert.equal(deep.cause, undefined)
})

for (const [thrown, shown] of [['a string', "'a string'"], [undefined, 'undefined'], [null, 'null'], [42, '42'], [Symbol('s'), 'Symbol(s)'], [{ code: 7 }, '{ code: 7 }'], [Object.create(null), '[Object: null prototype] {}']] as const) {
  void test(`a thrown ${thrown === null ? 'null' : typeof thrown} arrives as an Error that shows it`, () => {
    assert.equal(travel(thrown).message, `a value that is not an Error was thrown: ${shown}`)
  })
}

void test('a numeric code arrives as text', () => {
  assert.equal(travel(Object.assign(new Error('x'), { code: 42 })).code, '42')
})

void test('a chain of causes that bites its own tail ends', () => {
  const error = new Error('round')
  error.cause = error
  let depth = 0
  for (let at: unknown = travel(error); at instanceof Error; at = at.cause) depth++
  assert.equal(depth, 6)
})

void test('an error without a stack or a code has none on arrival either', () => {
  const bare = new Error('bare')
  delete bare.stack
  const data = serializeError(bare)
  assert.deepEqual(data, { name: 'Error', message: 'bare' })
  assert.equal(deserializeError(data).code, undefined)
})

void test('an AggregateError without a message arrives with those of its errors', () => {
  const error = new AggregateError([new Error('connect ECONNREFUSED ::1:5432'), new Error('connect ECONNREFUSED 127.0.0.1:5432'), 'gone'])
  assert.equal(travel(error).message, "connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432; 'gone'")
  assert.equal(travel(new AggregateError([new Error('inner')], 'outer')).message, 'outer')
})
