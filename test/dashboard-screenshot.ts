// Takes the picture of the dashboard that the README shows: the example app under a load that comes and goes, in the middle of a reload.
// `npm run screenshot -- [--seconds 100] [--dark] [--phone] [--port 3000] [file]`
// `pngquant --force --output docs/dashboard.png docs/dashboard.png` makes it a third as large.
import { spawn } from 'node:child_process'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { CHROMIUM_ARGS, findChromium } from './helpers/chromium.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const TOKEN = 'a-token-for-the-picture'
const CLIENTS = 90
/** A wave of the load, in ms; its peak is more than the workers can do. */
const WAVE = 45_000
const DESKTOP = { width: 1200, height: 800 }
const PHONE = { width: 360, height: 780 }

const { values, positionals: [file = fileURLToPath(new URL('../docs/dashboard.png', import.meta.url))] } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '100' }, dark: { type: 'boolean', default: false }, phone: { type: 'boolean', default: false }, port: { type: 'string', default: '3000' } }
})
const port = Number(values.port)
const found = findChromium()
if ('missing' in found) throw new Error(found.missing)

const cluster = spawn(process.execPath, ['--import', 'tsx', 'example-app/server.ts'], {
  cwd: ROOT,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, PORT: String(port), ADMIN_PORT: String(port + 1), WEB_CONCURRENCY: '4', LOG_LEVEL: 'silent', FASTIFY_CLUSTERIZE_TOKEN: TOKEN }
})
const { chromium } = await import('playwright-core')
const browser = await chromium.launch({ executablePath: found.file, args: [...CHROMIUM_ARGS] })
try {
  const page = await browser.newPage({ viewport: values.phone ? PHONE : DESKTOP, colorScheme: values.dark ? 'dark' : 'light' })
  const url = `http://127.0.0.1:${port + 1}/`
  if (!await isReady(url)) throw new Error('the example app did not start')
  load(Number(values.seconds) * 1000)
  await page.goto(url)
  await sleep(Number(values.seconds) * 1000)
  await orderReload(page)
  await page.locator('#reload-slots [data-tone="good"] + [data-tone="busy"]').first().waitFor({ timeout: 120_000 })
  await page.screenshot({ path: file, fullPage: true })
  console.log(`written to ${file}`)
} finally {
  await browser.close()
  cluster.kill('SIGQUIT')
}

/** As soon as it is; false when the cluster ends instead. */
async function isReady (url: string): Promise<boolean> {
  while (cluster.exitCode === null) {
    if (await fetch(`${url}readyz`).then(({ ok }) => ok, () => false)) return true
    await sleep(200)
  }
  return false
}

/** Clients that ask for this and that, more and fewer of them at a time. */
function load (length: number): void {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS })
  const began = performance.now()
  const ask = (client: number): void => {
    const elapsed = performance.now() - began
    if (elapsed > length + 60_000) return
    const share = 0.55 + 0.35 * Math.sin(elapsed / WAVE * 2 * Math.PI) + 0.1 * Math.sin(elapsed / WAVE * 17)
    const next = (): void => { setTimeout(ask, Math.random() * (share > 0.9 ? 30 : 150), client) }
    if (client > CLIENTS * share) return next()
    http.get({ host: '127.0.0.1', port, path: somePath(), agent }, response => { response.resume().once('close', next) }).once('error', next)
  }
  for (let client = 0; client < CLIENTS; client++) ask(client)
}

function somePath (): string {
  const drawn = Math.random()
  if (drawn < 0.4) return '/'
  if (drawn < 0.5) return '/slow?ms=20'
  return drawn < 0.9 ? '/suggestions' : '/orders'
}

async function orderReload (page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Reload…' }).click()
  await page.getByLabel('Token', { exact: true }).fill(TOKEN)
  await page.keyboard.press('Enter')
}
