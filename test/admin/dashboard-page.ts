// The dashboard in a headless Chromium, as an operator uses it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { Browser, Locator, Page } from 'playwright-core'
import { CHROMIUM_ARGS, findChromium } from '../helpers/chromium.ts'

export interface Dashboard {
  readonly page: Page
  /** What the page complained of, and what it asked of others than its server. */
  readonly complaints: readonly string[]
  readonly row: (id: number) => Locator
  /** What a tile says. */
  readonly tile: (label: string) => Locator
}

/** Undefined where there is no Chromium: the test is then skipped, with the reason. */
export async function openBrowser (t: TestContext): Promise<Browser | undefined> {
  const found = findChromium()
  if ('missing' in found) {
    t.skip(found.missing)
    return undefined
  }
  const { chromium } = await import('playwright-core')
  const home = mkdtempSync(path.join(tmpdir(), 'browser-'))
  const browser = await chromium.launch({ executablePath: found.file, args: [...CHROMIUM_ARGS], env: { ...process.env, HOME: home } as Record<string, string> })
  t.after(async () => {
    await browser.close()
    // Its handler of crashes has a folder in there, and outlives it.
    spawnSync('pkill', ['-KILL', '-f', home])
    rmSync(home, { recursive: true, force: true })
  })
  return browser
}

export async function openDashboard (browser: Browser, url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Dashboard> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  // That an answer was 401 is told too: the test asks for those.
  page.on('console', message => { if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text()) })
  page.on('request', request => { if (!request.url().startsWith(url)) complaints.push(`asked for ${request.url()}`) })
  await page.goto(url)
  return {
    page,
    complaints,
    row: id => page.locator(`#workers-table tbody tr[data-key="${id}"]`),
    tile: label => page.locator(`.tile[data-key="${label}"] .tile-value`)
  }
}

/** Waits until the text of an element matches. */
export async function says (place: Locator, expected: RegExp): Promise<void> {
  await place.filter({ hasText: expected }).first().waitFor({ state: 'attached' })
}

const CONTROLS = ['button', 'link', 'textbox', 'spinbutton', 'dialog', 'table', 'log', 'region', 'figure', 'progressbar', 'columnheader', 'rowheader']

/** Whatever can be operated or jumped to has a name, as a screen reader gets it. */
export async function assertNamed (page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  await session.detach()
  const controls = nodes.filter(({ ignored, role }) => !ignored && CONTROLS.includes(String(role?.value)))
  const nameless = controls.filter(({ name }) => String(name?.value ?? '').trim() === '')
  assert.deepEqual(nameless.map(({ role, properties }) => [role?.value, properties]), [])
  assert.ok(controls.length > 3)
}

/** Neither the page nor anything in it is wider than the screen. */
export async function assertFits (page: Page): Promise<void> {
  const wide = await page.evaluate<{ page: number, screen: number, elements: string[] }>(`({
    page: document.documentElement.scrollWidth,
    screen: innerWidth,
    elements: [...document.querySelectorAll('main *, header *')].filter(element => !element.closest('.hidden, thead, .u-wrap') && element.getBoundingClientRect().right > innerWidth + 0.5).map(element => element.outerHTML.slice(0, 80))
  })`)
  assert.deepEqual([wide.elements, wide.page], [[], wide.screen])
}
