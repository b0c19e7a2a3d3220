// When a header block is complete.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headIsComplete } from '../../src/listener/head.ts'

const complete = (text: string): boolean => headIsComplete(Buffer.from(text, 'latin1'))

test('a header block ends at the first empty line, and not a byte before', () => {
  const head = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
  for (let length = 0; length < head.length; length++) assert.equal(complete(head.slice(0, length)), false, `after ${length} bytes`)
  assert.equal(complete(head), true)
  assert.equal(complete(`${head}body`), true)
})

test('empty lines before a request do not end it', () => {
  assert.equal(complete('\r\n\r\n'), false)
  assert.equal(complete('\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n'), false)
  assert.equal(complete('\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n'), true)
})

test('bare line feeds count, and an endless block is a worker\'s business', () => {
  assert.equal(complete('GET / HTTP/1.1\nhost: a\n\n'), true)
  assert.equal(complete(`GET / HTTP/1.1\r\nx: ${'y'.repeat(16 * 1024)}`), true)
})
