// What a user may write into the options of clusterize(), and what a mistake is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from '../../src/options/resolve.ts'
import type { ClusterizeOptions } from '../../src/options/types.ts'

/** As a user without types would call it. */
const resolve = (options: unknown): ReturnType<typeof resolveOptions> => resolveOptions(options as ClusterizeOptions)

const TOO_LONG = 2 ** 31

// Each option: values that are right, values that are wrong, and what the message expects.
const TABLE: Record<string, { right: unknown[], wrong: unknown[], expected: RegExp, with?: object }> = {
  port: { right: [0, 65_535], wrong: [-1, 65_536, 1.5, '3000', NaN, null], expected: /a whole number from 0 to 65535/ },
  host: { right: ['::'], wrong: ['', 4, null], expected: /a non-empty string/ },
  path: { right: ['/tmp/x.sock'], wrong: ['', 4], expected: /a non-empty string/ },
  backlog: { right: [1, 511], wrong: [0, -1, '5', TOO_LONG], expected: /a whole number from 1/ },
  ipv6Only: { right: [true, false], wrong: [1, 'yes'], expected: /true or false/ },
  readableAll: { right: [true], wrong: [1, null], expected: /true or false/, with: { path: '/tmp/x.sock' } },
  writableAll: { right: [true], wrong: ['no'], expected: /true or false/, with: { path: '/tmp/x.sock' } },
  signal: { right: [new AbortController().signal], wrong: [{}, 'abort'], expected: /an AbortSignal/ },
  listenTextResolver: { right: [() => ''], wrong: ['text'], expected: /a function/ },
  workers: { right: ['auto', 0, 1, 1024], wrong: [-1, 1.5, '2', 1025, NaN, Infinity, true], expected: /'auto', or a whole number from 0 to 1024, or an object/ },
  'workers.min': { right: [], wrong: [0, 1.5, 'auto'], expected: /a whole number from 1 to 1024/ },
  'workers.max': { right: [], wrong: [0, '4'], expected: /'auto', or a whole number from 1/ },
  'workers.upAt': { right: [], wrong: [2, '70%'], expected: /a number from 0 to 1/ },
  'workers.upAfter': { right: [], wrong: [-1], expected: /a number of milliseconds/ },
  spares: { right: [0, 2], wrong: [-1, 'one', 1.5], expected: /a whole number from 0/ },
  scheduling: { right: ['kernel', 'round-robin', 'connection', 'request'], wrong: ['fair', 1, null], expected: /one of 'kernel'/ },
  balancer: { right: ['random', () => undefined, { name: 'mine', pick: () => undefined }], wrong: ['fastest', 3, {}, { name: 'mine' }], expected: /one of .*, a function or \{ name, pick \}/, with: { scheduling: 'connection' } },
  maxConnections: { right: [1, Infinity], wrong: [0, 1.5, '5'], expected: /Infinity, or a whole number/, with: { scheduling: 'connection' } },
  concurrency: { right: [1], wrong: [0, 1.5, Infinity], expected: /a whole number from 1/, with: { scheduling: 'request' } },
  logger: { right: [true, false, { level: 'warn' }], wrong: ['info', 1, null, []], expected: /true or false, or an object/ },
  bootTimeout: { right: [0, 1.5, TOO_LONG - 1], wrong: [-1, '1s', Infinity, TOO_LONG, NaN], expected: /a number of milliseconds/ },
  drainTimeout: { right: [0, 5], wrong: [-1, null], expected: /a number of milliseconds/ },
  idleGrace: { right: [0, 5], wrong: [-1, '5'], expected: /a number of milliseconds/ },
  errorDrainTimeout: { right: [0], wrong: [-1, {}], expected: /a number of milliseconds/ },
  hangReport: { right: [true, false], wrong: ['yes', 1], expected: /true or false/ },
  hangTimeout: { right: [false, 0, 30_000], wrong: [true, -1, '30s', Infinity], expected: /one of false, or a number of milliseconds/ },
  healthCheck: { right: [() => true, { check: () => true }, { check: () => true, interval: 50, timeout: 0, failures: 1 }], wrong: [true, 'ok', null], expected: /a function, or an object/ },
  'healthCheck.interval': { right: [], wrong: [49, '5s'], expected: /a number of milliseconds from 50/ },
  'healthCheck.timeout': { right: [], wrong: [-1, false], expected: /a number of milliseconds/ },
  'healthCheck.failures': { right: [], wrong: [0, 1.5, false], expected: /a whole number from 1/ },
  'healthCheck.check': { right: [() => {}], wrong: ['ok', undefined], expected: /a function/ },
  compileCache: { right: [true, false], wrong: ['/tmp', 0], expected: /true or false/ },
  restart: { right: [{}, { delay: 1 }], wrong: [[], 5, null], expected: /an object/ },
  recycle: { right: [{}, { maxRequests: 1 }], wrong: [true, 5], expected: /an object/ },
  reload: { right: [{}, { concurrency: 2, stableFor: 0 }], wrong: [true, 'fast'], expected: /an object/ },
  queue: { right: [{}, { limit: 0, timeout: 0 }], wrong: [10, false], expected: /an object/, with: { scheduling: 'request' } },
  plugin: { right: [{}, { headers: false }], wrong: [false, []], expected: /an object/ },
  'restart.delay': { right: [0, 10], wrong: [-1, '1'], expected: /a number of milliseconds/ },
  'restart.maxDelay': { right: [100], wrong: [null], expected: /a number of milliseconds/ },
  'restart.resetAfter': { right: [0], wrong: [Infinity], expected: /a number of milliseconds/ },
  'reload.concurrency': { right: [1], wrong: [0, 1.5], expected: /a whole number from 1/ },
  'recycle.maxRequests': { right: [false, 1], wrong: [0, true, 1.5], expected: /one of false, or a whole number from 1/ },
  'recycle.maxAge': { right: [false, 1], wrong: ['1d'], expected: /one of false, or a number of milliseconds/ },
  'recycle.maxRss': { right: [false, 1e9], wrong: ['1GB'], expected: /one of false, or a whole number from 1/ },
  'recycle.maxHeap': { right: [false, 1e9], wrong: [-1], expected: /one of false, or a whole number from 1/ },
  'recycle.heapShare': { right: [false, 0.5], wrong: [90], expected: /one of false, or a number from 0 to 1/ },
  'recycle.jitter': { right: [0, 0.5], wrong: [2, false], expected: /a number from 0 to 1/ },
  'recycle.minAge': { right: [0], wrong: [false], expected: /a number of milliseconds/ },
  shutdown: { right: [{}, { delay: 5_000 }], wrong: [5_000, false], expected: /an object/ },
  'shutdown.delay': { right: [0, 5_000], wrong: ['5s', -1], expected: /a number of milliseconds/ },
  'shutdown.fastTimeout': { right: [0, 500], wrong: [false], expected: /a number of milliseconds/ },
  'reload.stableFor': { right: [0], wrong: ['soon'], expected: /a number of milliseconds/ },
  'queue.limit': { right: [0], wrong: [-1, 1.5], expected: /a whole number from 0/, with: { scheduling: 'connection' } },
  'queue.maxDelay': { right: [0, false], wrong: [-1, true], expected: /false, or a number of milliseconds/, with: { scheduling: 'connection' } },
  'queue.timeout': { right: [0], wrong: [-1], expected: /a number of milliseconds/, with: { scheduling: 'connection' } },
  'plugin.headers': { right: [false, {}], wrong: [true, 'x-me', null], expected: /one of false, or an object/ },
  'plugin.headers.id': { right: [true, false, 'x-served-by'], wrong: [1, '', 'x y', 'x:y', null], expected: /true or false, or a header name/ },
  'plugin.headers.pid': { right: [true, 'x-p'], wrong: ['ü'], expected: /a header name/ },
  'plugin.headers.generation': { right: [true, 'x-g'], wrong: [{}], expected: /a header name/ },
  'plugin.underPressure': { right: [false, {}, { retryAfter: 5 }], wrong: [true, 'yes', []], expected: /one of false, or an object/ }
}

/** `{ a: { b: value } }` of 'a.b'. */
function nest (name: string, value: unknown): object {
  return name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object
}

for (const [name, { right, wrong, expected, with: others }] of Object.entries(TABLE)) {
  void test(`"${name}" takes what is documented, and a wrong value is told its name, what was expected and what was received`, () => {
    for (const value of right) assert.doesNotThrow(() => resolve({ ...others, ...nest(name, value) }))
    for (const value of wrong) {
      assert.throws(() => resolve({ ...others, ...nest(name, value) }), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'FST_CLUSTERIZE_INVALID_OPTION')
        assert.ok(error.message.startsWith(`Option "${name}" must be `), error.message)
        assert.match(error.message, expected)
        assert.match(error.message, /, received ./)
        return true
      }, `${name}: ${String(value)}`)
    }
  })
}

void test('what was received is shown as code', () => {
  assert.throws(() => resolve({ workers: '2' }), { message: "Option \"workers\" must be one of 'auto', or a whole number from 0 to 1024, or an object, received '2'" })
})

for (const options of [null, 3000, 'kernel', [], () => {}]) {
  void test(`options that are ${options === null ? 'null' : Array.isArray(options) ? 'an array' : `a ${typeof options}`} are refused as a whole`, () => {
    assert.throws(() => resolve(options), { code: 'FST_CLUSTERIZE_INVALID_OPTION', message: /^Option "options" must be an object/ })
  })
}

for (const [unknown, hint] of [
  [{ wokers: 2 }, 'Unknown option "wokers", did you mean "workers"?'],
  [{ Workers: 2 }, 'Unknown option "Workers", did you mean "workers"?'],
  [{ restart: { maxdelay: 2 } }, 'Unknown option "restart.maxdelay", did you mean "maxDelay"?'],
  [{ plugin: { header: {} } }, 'Unknown option "plugin.header", did you mean "headers"?'],
  [{ plugin: { headers: { ids: true } } }, 'Unknown option "plugin.headers.ids", did you mean "id"?'],
  [{ reload: { everything: 1 } }, 'Unknown option "reload.everything"; known are concurrency, stableFor']
] as const) {
  void test(`${JSON.stringify(unknown)} is an unknown option, with the nearest known one`, () => {
    assert.throws(() => resolve(unknown), { code: 'FST_CLUSTERIZE_UNKNOWN_OPTION', message: hint })
  })
}

for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
  void test(`a name that every object inherits ("${name}") is unknown too`, () => {
    assert.throws(() => resolve(JSON.parse(`{ "${name}": 1 }`)), { code: 'FST_CLUSTERIZE_UNKNOWN_OPTION' })
  })
}

for (const options of [
  { path: '/tmp/x.sock', port: 0 },
  { path: '/tmp/x.sock', host: '::' },
  { path: '/tmp/x.sock', ipv6Only: true },
  { readableAll: true },
  { writableAll: true },
  { readableAll: false, writableAll: true },
  { restart: { delay: 5, maxDelay: 4 } },
  { restart: { delay: 60_000 } },
  { idleGrace: 5, drainTimeout: 4 },
  { idleGrace: 60_000 },
  { balancer: 'random' },
  { balancer: 'random', scheduling: 'request' },
  { maxConnections: 5, scheduling: 'kernel' },
  { concurrency: 5 },
  { concurrency: 5, scheduling: 'connection' },
  { queue: {} },
  { queue: {}, scheduling: 'round-robin' },
  { workers: { min: 3, max: 2 } },
  { workers: { min: 1024 } },
  { workers: { max: 4, upAt: 0.5, downAt: 0.5 } }
]) {
  void test(`${JSON.stringify(options)} cannot be used together`, () => {
    assert.throws(() => resolve(options), { code: 'FST_CLUSTERIZE_CONFLICTING_OPTIONS', message: /^Options ".*" .*cannot be used together: ./ })
  })
}

void test('every default is in place', () => {
  const { workers, ...resolved } = resolve({})
  assert.ok(workers >= 1)
  assert.equal(resolved.autoscale, undefined)
  assert.deepEqual(resolved.listen, {
    port: 0,
    host: 'localhost',
    path: undefined,
    backlog: 511,
    ipv6Only: false,
    readableAll: false,
    writableAll: false,
    listenTextResolver: undefined
  })
  assert.equal(resolved.scheduling, 'kernel')
  assert.deepEqual(resolved.restart, { delay: 100, maxDelay: 30_000, resetAfter: 60_000, jitter: 0.1, limit: 5, window: 60_000 })
  assert.deepEqual(resolved.reload, { concurrency: 1, stableFor: 1_000 })
  assert.deepEqual([resolved.bootTimeout, resolved.drainTimeout, resolved.idleGrace, resolved.errorDrainTimeout], [30_000, 30_000, 1_000, 5_000])
})

void test('connections are rebalanced by default, unless the balancer may place them by client', () => {
  const of = (options: object): boolean => resolve({ scheduling: 'connection', ...options }).rebalance
  assert.equal(resolve({}).rebalance, true)
  for (const balancer of ['round-robin', 'least-connections', 'power-of-two-choices', 'random', undefined]) assert.equal(of({ balancer }), true)
  for (const balancer of ['ip-hash', () => 1, { name: 'mine', pick: () => 1 }]) {
    assert.equal(of({ balancer }), false)
    assert.equal(of({ balancer, rebalance: true }), true)
  }
  assert.equal(of({ rebalance: false }), false)
})

void test('a health check has its defaults, given as a function or as a group', () => {
  const check = (): boolean => true
  assert.equal(resolve({}).healthCheck, undefined)
  assert.deepEqual(resolve({ healthCheck: check }).healthCheck, { check, interval: 5_000, timeout: 2_000, failures: 3 })
  assert.deepEqual(resolve({ healthCheck: { check, interval: 100, failures: undefined } }).healthCheck, { check, interval: 100, timeout: 2_000, failures: 3 })
})

void test('an option that is present but undefined gets its default, in groups too', () => {
  const resolved = resolve({
    port: undefined,
    workers: 2,
    drainTimeout: undefined,
    restart: { delay: undefined, maxDelay: 200 },
    reload: { stableFor: undefined },
    plugin: undefined
  })
  assert.equal(resolved.listen.port, 0)
  assert.equal(resolved.drainTimeout, 30_000)
  assert.deepEqual(resolved.restart, { delay: 100, maxDelay: 200, resetAfter: 60_000, jitter: 0.1, limit: 5, window: 60_000 })
  assert.deepEqual(resolved.reload, { concurrency: 1, stableFor: 1_000 })
  assert.deepEqual(resolved.plugin, {})
})

void test('zero is zero and not a default', () => {
  const resolved = resolve({ workers: 0, drainTimeout: 0, idleGrace: 0, bootTimeout: 0, restart: { delay: 0 }, reload: { stableFor: 0 } })
  assert.deepEqual(
    [resolved.workers, resolved.drainTimeout, resolved.idleGrace, resolved.bootTimeout, resolved.restart.delay, resolved.reload.stableFor],
    [0, 0, 0, 0, 0, 0]
  )
})

void test('the result is frozen, and apart from what the user gave', () => {
  const given = { workers: 1, restart: { delay: 5 }, plugin: { headers: {} } }
  const resolved = resolve(given)
  given.restart.delay = 6
  assert.equal(resolved.restart.delay, 5)
  for (const part of [resolved, resolved.listen, resolved.restart, resolved.reload, resolved.queue, resolved.plugin]) assert.ok(Object.isFrozen(part))
  assert.deepEqual(given, { workers: 1, restart: { delay: 6 }, plugin: { headers: {} } })
})
