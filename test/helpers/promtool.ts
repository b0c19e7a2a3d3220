// Finds Prometheus' own checker: installed, or taken out of Debian's package, which any user may download.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const DOWNLOAD_TIMEOUT = 60_000
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/promtool/', import.meta.url))

/** Its path, or why there is none. */
export function findPromtool (): { readonly file: string } | { readonly missing: string } {
  if (spawnSync('promtool', ['--version']).error === undefined) return { file: 'promtool' }
  if (spawnSync('apt-get', ['--version']).error !== undefined) return { missing: 'promtool is not installed, and there is no apt-get to fetch it from' }
  const file = path.join(FOLDER, 'usr/bin/promtool')
  return existsSync(file) || unpack(FOLDER) ? { file } : { missing: 'promtool is not installed, and apt-get could not download the package "prometheus"' }
}

/** Kept for the next run. */
function unpack (folder: string): boolean {
  mkdirSync(folder, { recursive: true })
  spawnSync('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: DOWNLOAD_TIMEOUT })
  const archive = readdirSync(folder).find(name => name.endsWith('.deb'))
  return archive !== undefined && spawnSync('dpkg', ['-x', archive, '.'], { cwd: folder }).status === 0
}
