import assert from 'node:assert/strict'
import test from 'node:test'
import { resolveAdmin } from '../../src/options/resolve-admin.ts'
import { resolveOptions } from '../../src/options/resolve.ts'

const TOKEN = 'a-token-of-some-length'

test('is off unless asked for, and then a Unix socket alone', () => {
  assert.equal(resolveOptions({}).admin, false)
  assert.deepEqual(resolveAdmin(true, 'shop', {}), { name: 'shop', path: undefined, tcp: undefined, minReady: 1 })
})

test('listens by TCP on loopback, where reading is open and the token comes from the environment too', () => {
  const tcp = { port: 9100, host: '127.0.0.1', token: undefined, guardReads: false, hosts: [] }
  assert.deepEqual(resolveAdmin({ port: 9100 }, 'shop', {}), { name: 'shop', path: undefined, tcp, minReady: 1 })
  assert.deepEqual(resolveAdmin({ port: 9100, hosts: ['Ops.Example'] }, 'shop', { FASTIFY_CLUSTERIZE_TOKEN: TOKEN }), { name: 'shop', path: undefined, tcp: { ...tcp, token: TOKEN, hosts: ['ops.example'] }, minReady: 1 })
})

test('guards reading too beyond loopback, unless told otherwise', () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'ops.example']) {
    assert.throws(() => resolveAdmin({ port: 9100, host }, 'shop', {}), { code: 'FST_CLUSTERIZE_CONFLICTING_OPTIONS', message: /FASTIFY_CLUSTERIZE_TOKEN/ })
    const { tcp } = resolveAdmin({ port: 9100, host, token: TOKEN }, 'shop', {}) || {}
    assert.equal(tcp?.guardReads, true)
    assert.equal((resolveAdmin({ port: 9100, host, guardReads: false }, 'shop', {}) || {}).tcp?.guardReads, false)
  }
})

test('refuses a token that could be guessed, names that make no file, and options of TCP without a port', () => {
  for (const token of ['short', '', 'has a blank in its middle', 'unprintable-\u0007-character', 'ümlaut-in-a-header-is-trouble']) assert.throws(() => resolveOptions({ admin: { port: 1, token } }), { code: 'FST_CLUSTERIZE_INVALID_OPTION', message: /admin\.token/ })
  assert.throws(() => resolveAdmin({ port: 1 }, 'shop', { FASTIFY_CLUSTERIZE_TOKEN: 'short' }), (error: Error) => error.message.includes('FASTIFY_CLUSTERIZE_TOKEN') && !error.message.includes('short'))
  for (const name of ['', '.', '../etc', 'a/b', 'a b', '-x', 'x'.repeat(41)]) assert.throws(() => resolveOptions({ name }), { code: 'FST_CLUSTERIZE_INVALID_OPTION' }, name)
  for (const options of [{ host: '::1' }, { token: TOKEN }, { guardReads: true }, { hosts: ['x'] }]) assert.throws(() => resolveOptions({ admin: options }), { code: 'FST_CLUSTERIZE_CONFLICTING_OPTIONS', message: /admin\.port/ })
  assert.throws(() => resolveOptions({ admin: { prot: 1 } as object }), { code: 'FST_CLUSTERIZE_UNKNOWN_OPTION', message: /did you mean "port"/ })
})
