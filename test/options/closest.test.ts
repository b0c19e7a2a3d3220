// Which known word a mistyped one is taken for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest } from '../../src/options/closest.ts'

const KNOWN = ['port', 'host', 'workers', 'drainTimeout', 'id']

for (const [word, expected] of [
  ['prt', 'port'],
  ['hots', 'host'],
  ['worker', 'workers'],
  ['WORKERS', 'workers'],
  ['drain-timeout', 'drainTimeout'],
  ['drianTimout', 'drainTimeout'],
  ['port', 'port'],
  ['', 'id'],
  ['cluster', undefined],
  ['timeout', undefined]
] as const) {
  void test(`"${word}" is ${expected === undefined ? 'like no known word' : `taken for "${expected}"`}`, () => {
    assert.equal(closest(word, KNOWN), expected)
  })
}

void test('of two words equally near the first is taken', () => {
  assert.equal(closest('bat', ['cat', 'hat']), 'cat')
})

void test('without known words there is no guess', () => {
  assert.equal(closest('port', []), undefined)
})
