import assert from 'node:assert/strict'
import net from 'node:net'
import test from 'node:test'
import type { TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { startCluster } from '../cluster/start-cluster.ts'
import type { Cluster } from '../cluster/start-cluster.ts'
import { startLoad } from '../helpers/load.ts'
import { seeded } from '../helpers/random.ts'
import { assertFits, assertNamed, openBrowser, openDashboard, says } from './dashboard-page.ts'
import type { Dashboard } from './dashboard-page.ts'
import { ask, runtimeFolder, TOKEN } from './setup.ts'

const SEED = 20_260_914

interface Running { readonly cluster: Cluster, readonly port: number }

async function start (t: TestContext, guardReads: boolean): Promise<Running> {
  const { env } = runtimeFolder(t)
  const cluster = await startCluster(t, { options: { name: 'shop', workers: 2, snapshotInterval: 100, reload: { stableFor: 400 }, admin: { port: 0, token: TOKEN, guardReads } } }, { env })
  const { addresses } = await cluster.event('admin-ready') as unknown as { addresses: readonly string[] }
  return { cluster, port: Number(addresses[1]?.split(':')[1]) }
}

test('a page whose every file comes from this server alone', async t => {
  const { port } = await start(t, true)
  const where = { host: '127.0.0.1', port }
  const { status, headers, body } = await ask(where, '/')
  assert.deepEqual([status, headers['content-type'], headers['x-content-type-options']], [200, 'text/html; charset=utf-8', 'nosniff'])
  assert.match(body, /data-orders="token" data-reads="token"/)
  const policy = String(headers['content-security-policy'])
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), part)
  assert.doesNotMatch(policy, /unsafe|data:|http|\*/)
  await checkFiles(where, body)
  for (const path of ['/dashboard/page.html', '/dashboard/nothing.js', '/dashboard/..%2f..%2fpackage.json', '/status', '/history', '/events']) assert.ok([401, 404].includes((await ask(where, path)).status), path)
})

/** From the page to what its modules import, as a browser would. */
async function checkFiles (where: { host: string, port: number }, page: string): Promise<void> {
  const files = [...page.matchAll(/(?:src|href)="(dashboard\/[^"]+)"/g)].map(([, file = '']) => file)
  for (const file of files) {
    const { status, headers, body } = await ask(where, `/${file}`)
    assert.equal(status, 200, file)
    assert.match(String(headers['content-type']), /^(?:text\/(?:javascript|css)|image\/svg)/)
    if (!file.endsWith('.js')) continue
    const imported = [...body.matchAll(/^import .* from '\.\/(.+)'$/gm)].map(([, name]) => `dashboard/${name}`)
    files.push(...imported.filter(name => !files.includes(name)))
  }
  assert.ok(files.length > 10)
  assert.equal((await ask(where, '/dashboard/uplot.js')).status, 200)
}

test('the dashboard in a browser', async t => {
  const browser = await openBrowser(t)
  if (browser === undefined) return
  const { cluster, port } = await start(t, false)
  const gate = await openGate(t, port)
  const load = startLoad({ target: cluster.target, connections: 4, random: seeded(SEED), think: 10, pieces: false })
  const dashboard = await openDashboard(browser, gate.url)

  await t.test('shows the numbers of a cluster under load', () => checkNumbers(dashboard, cluster))
  await t.test('names whatever can be operated, and fits on a phone', () => checkReach(browser, dashboard))
  await t.test('reloads by keyboard once the token is given, and shows how far it is', () => checkReload(dashboard))
  await t.test('shows a worker that is killed, and its replacement', () => checkKill(dashboard, cluster))
  await t.test('scales, and recycles one worker', () => checkOrders(dashboard))
  await t.test('says that the stream broke, and comes back by itself', () => checkReconnect(dashboard, gate))
  const { statuses } = await load.stop()
  assert.deepEqual([Object.keys(statuses), dashboard.complaints.filter(text => !text.includes('ERR_'))], [['200'], []])
})

test('a dashboard whose numbers are guarded', async t => {
  const browser = await openBrowser(t)
  if (browser === undefined) return
  const { port } = await start(t, true)
  const { page, row, complaints } = await openDashboard(browser, `http://127.0.0.1:${port}/`)
  await says(page.locator('#order'), /wants its token/)
  await page.keyboard.press('Escape')
  assert.equal(await row(1).count(), 0)
  await page.getByRole('button', { name: 'Give the token…' }).click()
  await page.getByLabel('Token', { exact: true }).fill(TOKEN)
  await page.keyboard.press('Enter')
  await says(row(2), /ready/)
  await says(page.locator('#connection'), /Live/)
  // Kept for this tab, and for nobody else.
  await page.reload()
  await says(row(2), /ready/)
  assert.deepEqual(await page.evaluate('[localStorage.length, document.cookie]'), [0, ''])
  assert.deepEqual(complaints, [])
})

async function checkNumbers ({ page, row, tile }: Dashboard, cluster: Cluster): Promise<void> {
  await says(page.locator('#name'), /^shop$/)
  await says(page.locator('#condition'), /^ready$/)
  await says(page.locator('#connection'), /^Live$/)
  await says(tile('Requests'), /[1-9]/)
  await says(tile('99th percentile'), /\d m?s/)
  for (const id of [1, 2]) {
    await says(row(id), new RegExp(`process ${cluster.pidOf(id)}`))
    for (const [label, expected] of [['State', /^ready$/], ['Generation', /^1$/], ['Uptime', /\d s/], ['Utilization', /\d %/], ['Loop delay', /\d m?s/], ['Memory', /\d MiB/], ['Connections', /\d/], ['Requests/s', /[1-9]/], ['Shed/s', /^0$/]] as const) {
      await says(row(id).locator(`[data-label="${label}"] .value`), expected)
    }
  }
  for (const id of ['throughput', 'latency', 'goodput', 'load']) await says(page.locator(`#chart-${id} tbody tr:first-child td`).first(), /[1-9]/)
  assert.ok(await page.evaluate("[...document.querySelectorAll('.plot canvas')].every(canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(byte => byte > 0))"), 'something is drawn')
  await says(page.locator('#events li'), /Worker 1 \(process \d+\) is ready/)
}

async function checkReach (browser: Browser, { page }: Dashboard): Promise<void> {
  await assertNamed(page)
  const phone = await openDashboard(browser, page.url(), { viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
  // As where uPlot is not installed.
  await phone.page.route('**/dashboard/uplot.js', route => route.fulfill({ status: 404 }))
  await phone.page.reload()
  await says(phone.row(2), /ready/)
  await says(phone.page.locator('#charts-note'), /uplot/)
  await says(phone.page.locator('#chart-throughput tbody td').first(), /[1-9]/)
  await assertFits(phone.page)
  await assertNamed(phone.page)
  await phone.page.context().close()
}

async function checkReload ({ page, row }: Dashboard): Promise<void> {
  const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.id')
  await page.locator('#reload').focus()
  await page.keyboard.press('Enter')
  await says(page.getByRole('dialog', { name: 'Reload the cluster?' }), /Reload/)
  assert.equal(await focused(), 'order-token')
  await assertNamed(page)
  await page.keyboard.press('Escape')
  assert.equal(await focused(), 'reload')

  await page.keyboard.press('Enter')
  await page.keyboard.type('not the token')
  await page.keyboard.press('Enter')
  await says(page.getByRole('alert'), /The token is wrong/)
  assert.equal(await focused(), 'order-token')
  await page.keyboard.type(TOKEN)
  await page.keyboard.press('Enter')
  await says(page.locator('#reload-text'), /of 2 slots done/)
  await says(page.locator('#reload-slots li'), /Worker 1/)
  for (const id of [1, 2]) await says(row(id).locator('[data-label="Generation"] .value'), /^2$/)
  await says(page.locator('#reload-text'), /Generation 2 serves/)
  await says(page.locator('.notice'), /Generation 2 serves/)
  assert.equal(await focused(), 'reload')
}

async function checkKill ({ page, row, tile }: Dashboard, cluster: Cluster): Promise<void> {
  const old = cluster.pidOf(1)
  process.kill(old, 'SIGKILL')
  await says(page.locator('#events li[data-tone="bad"]'), new RegExp(`Worker 1 \\(process ${old}\\) ended`))
  await says(tile('Restarts'), /^1$/)
  await row(1).filter({ hasNotText: `process ${old}` }).filter({ hasText: 'ready' }).waitFor()
}

async function checkOrders ({ page, row }: Dashboard): Promise<void> {
  await page.getByRole('button', { name: 'Scale…' }).click()
  const workers = page.getByLabel('Workers', { exact: true }).and(page.locator('input'))
  assert.deepEqual([await workers.inputValue(), await page.locator('#order-token').isVisible()], ['2', false])
  await workers.fill('0')
  await page.keyboard.press('Enter')
  await says(page.locator('#order-error'), /whole number/)
  await workers.fill('3')
  await page.keyboard.press('Enter')
  await says(row(3), /ready/)

  const before = await row(3).locator('th .more').textContent()
  await page.getByRole('button', { name: 'Recycle worker 3…' }).click()
  await page.getByRole('button', { name: 'Recycle', exact: true }).click()
  await says(page.locator('.notice'), /Worker 3 is replaced/)
  await row(3).filter({ hasNotText: before ?? '' }).waitFor()
  await page.getByRole('button', { name: 'Forget token' }).click()
  assert.equal(await page.evaluate('sessionStorage.length'), 0)
}

async function checkReconnect ({ page }: Dashboard, gate: Gate): Promise<void> {
  gate.shut()
  await says(page.locator('#connection'), /Reconnecting/)
  await says(page.locator('#stale'), /These are the numbers of \d\d:\d\d:\d\d/)
  gate.open()
  await says(page.locator('#connection'), /^Live$/)
  assert.equal(await page.locator('#stale').isVisible(), false)
  // The stream told all events again, and none is there twice.
  const events = await page.locator('#events li').allTextContents()
  assert.deepEqual(events, [...new Set(events)])
  assert.ok(events.length > 8)
}

interface Gate { readonly url: string, readonly shut: () => void, readonly open: () => void }

/** Stands between the page and its server, and can cut them off. */
async function openGate (t: TestContext, port: number): Promise<Gate> {
  const sockets = new Set<net.Socket>()
  let isShut = false
  const server = net.createServer(client => {
    if (isShut) {
      client.destroy()
      return
    }
    const there = net.connect({ host: '127.0.0.1', port })
    for (const [socket, other] of [[client, there], [there, client]] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => {}).once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  const shut = (): void => {
    isShut = true
    for (const socket of sockets) socket.destroy()
  }
  t.after(() => {
    shut()
    server.close()
  })
  await new Promise<void>(resolve => { server.listen({ host: '127.0.0.1', port: 0 }, resolve) })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`, shut, open: () => { isShut = false } }
}
