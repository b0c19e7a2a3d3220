import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unexplainedFailures } from './owners.ts'

test('a connection that fails is explained by the death of the worker that had it, once', () => {
  const lines = ['A 1 w1', 'A 2 w1', 'A 3 w2', 'r 2 w1', 't 2 w2', 'K w1', 'A 1 w3', 'S r1 w3']
  assert.deepEqual(unexplainedFailures(lines, [1]), [])
  assert.deepEqual(unexplainedFailures(lines, [1, 1]), [1])
  assert.deepEqual(unexplainedFailures(lines, [2, 3]), [2, 3])
})

test('one that the primary holds is on its way', () => {
  assert.deepEqual(unexplainedFailures(['A 1 w1', 'r 1 w1', 'K w1'], [1]), [1])
})

test('what a killed worker did last counts, though the primary learns of it later', () => {
  assert.deepEqual(unexplainedFailures(['A 1 w1', 'K w1', 'r 1 w1'], [1]), [1], 'given away')
  assert.deepEqual(unexplainedFailures(['K w1', 't 1 w1', 'A 2 w1'], [1, 2]), [], 'received, accepted')
  assert.deepEqual(unexplainedFailures(['A 1 w1', 'K w1', 'A 1 w2', 'K w2'], [1, 1]), [], 'the port used again at once')
})
