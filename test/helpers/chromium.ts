// Finds a Chromium: installed, or installed now where this user may (root, with apt).
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const ON_MACOS = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']
const UPDATE_TIMEOUT = 60_000
const INSTALL_TIMEOUT = 150_000

/** What a headless one needs beyond what playwright-core says itself. As root it has no sandbox, and speaks to nobody but the page's server. */
export const CHROMIUM_ARGS: readonly string[] = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** Its path, or why there is none. */
export function findChromium (): { readonly file: string } | { readonly missing: string } {
  const file = installed()
  if (file !== undefined) return { file }
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error !== undefined) return { missing: 'no Chromium is installed, and it can be fetched only by root and apt-get' }
  spawnSync('apt-get', ['update', '--quiet'], { timeout: UPDATE_TIMEOUT })
  spawnSync('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', 'chromium'], { timeout: INSTALL_TIMEOUT, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  const fetched = installed()
  return fetched === undefined ? { missing: 'no Chromium is installed, and apt-get could not install the package "chromium"' } : { file: fetched }
}

function installed (): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  return [...NAMES.flatMap(name => folders.map(folder => path.join(folder, name))), ...ON_MACOS].find(file => existsSync(file))
}
