import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { createAppMetrics } from '../../src/admin/metrics/app-metrics.ts'
import { printMetrics } from '../../src/admin/metrics/page.ts'
import { createRequestTimes } from '../../src/admin/metrics/request-times.ts'
import { durationOf, stepOf } from '../../src/measurements.ts'
import type { AppMetric } from '../../src/measurements.ts'
import { startCluster } from '../cluster/start-cluster.ts'
import { get } from '../helpers/get.ts'
import { findPromtool } from '../helpers/promtool.ts'
import { until } from '../helpers/processes.ts'
import { counters, parseMetrics, sum } from './prometheus-text.ts'
import type { Family } from './prometheus-text.ts'
import { ask, runtimeFolder } from './setup.ts'
import type { Where } from './setup.ts'

test('a duration is told within 5 %', () => {
  fc.assert(fc.property(fc.double({ min: 0.01, max: 100_000, noNaN: true }), ms => {
    assert.ok(Math.abs(durationOf(stepOf(ms)) / ms - 1) < 0.05, String(ms))
  }))
})

test('percentiles are those of the last minute', () => {
  let now = 0
  const times = createRequestTimes(() => now)
  assert.equal(times.percentiles(), null)
  const after = (ms: number, count: number): void => times.add({ durations: [], steps: [[stepOf(ms), count]] })
  after(500, 1000)
  now = 30_000
  after(1, 98)
  after(100, 2)
  const { p99 } = times.percentiles() ?? assert.fail()
  assert.ok(p99 > 450 && p99 < 550)
  now = 61_000
  const { p50, p90, p99: late, count } = times.percentiles() ?? assert.fail()
  assert.ok(p50 > 0.95 && p50 < 1.05 && p90 === p50 && late > 95 && late < 105 && count === 100)
  now = 120_000
  assert.equal(times.percentiles(), null)
})

test('series are bounded, however many routes reloads bring', () => {
  const times = createRequestTimes()
  for (let route = 0; route < 6_000; route++) times.add({ durations: [{ method: 'GET', route: `/${route}`, status: '2xx', counts: [1], sum: 1 }], steps: [] })
  const series = times.series()
  const [others] = series.filter(({ route }) => route === '(other)')
  assert.deepEqual([series.length, others?.counts, others?.sum], [5_001, [1_000], 1_000])
})

test("the app's counters are those of all its workers, and never go backwards when some end", async () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('count'), worker: fc.integer({ min: 0, max: 3 }), by: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ type: fc.constant('end'), worker: fc.integer({ min: 0, max: 3 }), by: fc.constantFrom(0, 10_000) })
  )
  const metric = (name: string, type: string, value: number, kind: string): AppMetric => ({ name, help: 'x', type, aggregator: 'sum', values: [{ value, labels: { kind } }] })
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
    let now = 0
    const apps = createAppMetrics(() => now)
    const workers = Array.from({ length: 4 }, () => newWorker())
    let expected = 0
    for (const { type, worker: index, by } of steps) {
      const worker = workers[index] ?? assert.fail()
      if (type === 'count') {
        worker.count += by
        expected += by
        apps.tell(worker, [metric('orders_total', 'counter', worker.count, `kind ${index}`), metric('open', 'gauge', 1, 'any'), metric('clusterize_stolen', 'gauge', 1, 'any')])
      } else {
        worker.gone = true
        workers[index] = newWorker()
        now += by
      }
      const { text } = await printMetrics(apps.all())
      if (text.trim() === '') continue
      const families = parseMetrics(text)
      assert.equal(sum(families, 'orders_total'), expected)
      if (families.has('open')) assert.ok(sum(families, 'open') <= 4)
      assert.ok(!families.has('clusterize_stolen'))
    }
  }), { numRuns: 50 })

  function newWorker (): { slot: number, count: number, gone: boolean, isGone: () => boolean } {
    const worker = { slot: 1, count: 0, gone: false, isGone: () => worker.gone }
    return worker
  }
})

async function scrape (where: Where): Promise<Map<string, Family>> {
  const { status, headers, body } = await ask(where, '/metrics')
  assert.equal(status, 200, body)
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
  return parseMetrics(body)
}

test('the metrics page', async t => {
  const { env, socketOf } = runtimeFolder(t)
  const where: Where = { socketPath: socketOf('shop') }
  const cluster = await startCluster(t, { registry: true, options: { name: 'shop', workers: 2, snapshotInterval: 50, scheduling: 'request', reload: { stableFor: 50 }, admin: true } }, { env })
  const seen: Array<Map<string, number>> = []
  let orders = 0

  const order = async (times: number): Promise<void> => {
    for (let sent = 0; sent < times; sent++) assert.equal((await get({ ...cluster.target, method: 'POST', path: `/orders/${sent}` })).status, 200)
    orders += times
  }
  /** Waits until everything that was ordered is counted: reports are on their way. */
  const counted = async (): Promise<Map<string, Family>> => {
    let families = await scrape(where)
    await until(async () => {
      families = await scrape(where)
      seen.push(counters(families))
      return sum(families, 'clusterize_request_duration_seconds_count', { route: '/orders/:id' }) === orders
    }, () => `${orders} orders in the metrics`)
    return families
  }

  await t.test('tells of the cluster, of each slot, of requests by route, and of the app', async () => {
    await order(20)
    assert.equal((await get({ ...cluster.target, path: '/nowhere' })).status, 404)
    const families = await counted()
    assert.equal(sum(families, 'clusterize_workers', { state: 'ready' }), 2)
    assert.equal(sum(families, 'clusterize_slot_up'), 2)
    assert.equal(sum(families, 'clusterize_slot_requests_total'), 21)
    assert.equal(sum(families, 'clusterize_slot_responses_total', { status: '4xx' }), 1)
    assert.equal(sum(families, 'clusterize_request_duration_seconds_count', { method: 'POST', route: '/orders/:id', status: '2xx' }), 20)
    assert.equal(sum(families, 'clusterize_request_duration_seconds_count', { route: '', status: '4xx' }), 1)
    assert.equal(sum(families, 'clusterize_queue_depth'), 0)
    assert.ok(sum(families, 'clusterize_slot_resident_memory_bytes') > 2 ** 20)
    assert.equal(sum(families, 'orders_total', { kind: 'a "b"\\\nc' }), 20)
    assert.equal(sum(families, 'order_seconds_sum'), 10)
    assert.equal(sum(families, 'orders_open'), 2)
  })
  await t.test('loses nothing over a reload, and no counter ever goes backwards, killed workers or not', async () => {
    assert.equal((await ask(where, '/reload', { method: 'POST' })).status, 200)
    await order(10)
    const families = await counted()
    assert.equal(sum(families, 'clusterize_slot_requests_total'), 31)
    assert.equal(sum(families, 'orders_total'), 30)
    assert.equal(sum(families, 'order_seconds_count'), 30)
    assert.equal(sum(families, 'clusterize_worker_exits_total', { kind: 'retired' }), 2)
    assert.equal(sum(families, 'clusterize_reload_duration_seconds_count'), 1)

    process.kill(cluster.pidOf(1), 'SIGKILL')
    await cluster.event('worker-exit', line => line['kind'] === 'signal' || line['kind'] === 'oom-kill')
    await order(10)
    const after = await counted()
    assert.equal(sum(after, 'orders_total'), 40)
    assert.equal(sum(after, 'clusterize_slot_requests_total'), 41)
    assert.deepEqual(['oom-kill', 'segfault'].map(reason => sum(after, 'clusterize_worker_restarts_total', { reason })), [1, 0])
    assert.equal(sum(after, 'clusterize_worker_restarts_total'), 1)
    for (const [index, now] of seen.entries()) for (const [key, before] of seen[index - 1] ?? []) assert.ok((now.get(key) ?? 0) >= before, `${key} went from ${before} to ${now.get(key)}`)
  })
  await t.test('is what the README names and the dashboard asks for', async t => {
    checkNames(await scrape(where))
    checkQueries(t)
  })
  await t.test('is what promtool accepts', t => checkWithPromtool(t, where))
})

const FILES = new URL('../../', import.meta.url)

/** The dashboard asks for what there is, the README names all of it, and neither anything else. */
function checkNames (families: ReadonlyMap<string, Family>): void {
  const own = [...families.keys()].filter(name => name.startsWith('clusterize_'))
  const asked = new Set(readFileSync(new URL('docs/grafana.json', FILES), 'utf8').match(/clusterize_[a-z_]+/g)?.map(name => name.replace(/_bucket$/, '')))
  assert.deepEqual([...asked].filter(name => !own.includes(name)), [])
  const [, table = ''] = readFileSync(new URL('README.md', FILES), 'utf8').split('| metric (`clusterize_…`) |')
  const rows = table.split('\n\n')[0]?.split('\n').slice(2) ?? []
  const named = rows.flatMap(row => row.split('|')[1]?.match(/[a-z_]+/g) ?? []).map(name => `clusterize_${name}`)
  assert.deepEqual(named.toSorted(), own.toSorted())
}

/** As rules, which is how promtool reads queries. */
function checkQueries (t: TestContext): void {
  const promtool = findPromtool()
  if ('missing' in promtool) return t.skip(promtool.missing)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rules-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const queries = [...readFileSync(new URL('docs/grafana.json', FILES), 'utf8').matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, expr = '""']) => String(JSON.parse(expr)))
  assert.ok(queries.length > 20)
  const rules = queries.map((expr, index) => ({ record: `query_${index}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$__interval', '1m') }))
  const file = path.join(folder, 'rules.yml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  const { status, stdout, stderr } = spawnSync(promtool.file, ['check', 'rules', file], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
}

/** Where it cannot be had, the parser of the other tests is as strict about what this page has. */
async function checkWithPromtool (t: TestContext, where: Where): Promise<void> {
  const promtool = findPromtool()
  if ('missing' in promtool) return t.skip(promtool.missing)
  const { body } = await ask(where, '/metrics')
  const { status, stdout, stderr } = spawnSync(promtool.file, ['check', 'metrics'], { input: body, encoding: 'utf8' })
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
}

/** As where `prom-client` is not installed. */
const WITHOUT_PROM_CLIENT = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent('export async function resolve (name, context, next) { if (name === "prom-client") throw new Error("not installed"); return next(name, context) }'))
`)}`

test('says what is missing where prom-client is not installed, and the rest works', async t => {
  const { env, socketOf } = runtimeFolder(t)
  const where: Where = { socketPath: socketOf('shop') }
  await startCluster(t, { options: { name: 'shop', workers: 1, admin: true } }, { env, nodeArgs: ['--import', WITHOUT_PROM_CLIENT] })
  const { status, json } = await ask(where, '/metrics')
  assert.deepEqual([status, json['code']], [501, 'FST_CLUSTERIZE_NO_PROM_CLIENT'])
  assert.match(String(json['message']), /npm install prom-client/)
  assert.equal((await ask(where, '/readyz')).status, 200)
})
