import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { isOwnHost, isOwnOrigin, isToken } from '../../src/admin/access.ts'

const names = new Set(['localhost', 'ops.example'])

test('takes addresses and listed names for its own, whatever the port, and no other name', () => {
  for (const host of [undefined, 'localhost', 'LOCALHOST:9100', 'localhost.:9100', '127.0.0.1', '10.1.2.3:80', '[::1]', '[::1]:9100', 'ops.example:1']) assert.equal(isOwnHost(host, names), true, host)
  for (const host of ['', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:127', 'ops.example@evil.example', '[evil.example]', '::1', 'localhost:80:80', 'localhost/..', '127.1', ' localhost', 'a b']) assert.equal(isOwnHost(host, names), false, host)
})

test('refuses every name that is not listed', () => {
  fc.assert(fc.property(fc.domain(), domain => {
    assert.equal(isOwnHost(domain, names), names.has(domain.toLowerCase()))
    assert.equal(isOwnHost(`127.0.0.1.${domain}:80`, names), false)
  }))
})

test('takes a page for its own only by the very Host that was asked', () => {
  for (const [origin, host] of [[undefined, 'localhost:1'], ['http://localhost:1', 'localhost:1'], ['https://LOCALHOST:1', 'localhost:1'], ['http://[::1]:1', '[::1]:1']] as const) assert.equal(isOwnOrigin(origin, host), true, origin)
  for (const [origin, host] of [['null', 'localhost:1'], ['http://localhost:2', 'localhost:1'], ['http://localhost', 'localhost:1'], ['http://localhost:1.evil.example', 'localhost:1'], ['file://', 'localhost:1'], ['', 'localhost:1'], ['http://localhost:1', undefined]] as const) assert.equal(isOwnOrigin(origin, host), false, origin)
})

test('knows the token and nothing else', () => {
  const printable = fc.string({ unit: fc.integer({ min: 33, max: 126 }).map(code => String.fromCharCode(code)), minLength: 16, maxLength: 64 })
  fc.assert(fc.property(printable, printable, (token, other) => {
    assert.equal(isToken(`Bearer ${token}`, token), true)
    assert.equal(isToken(`bearer  ${token} `, token), true)
    assert.equal(isToken(`Bearer ${other}`, token), other === token)
    for (const wrong of [undefined, '', token, 'Bearer', 'Bearer ', `Basic ${token}`, `Bearer ${token}${other}`, `Bearer ${token.slice(1)}`, `Bearer ${token} ${token}`]) assert.equal(isToken(wrong, token), false, wrong)
  }))
})
