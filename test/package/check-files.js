// Which files the package holds, and whether its source maps and declaration maps lead to sources that are in it.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const ALLOWED = [/^package\.json$/, /^README\.md$/, /^LICENSE$/, /^dist\/.+\.(js|d\.ts)(\.map)?$/, /^src\/.+\.ts$/, /^src\/admin\/dashboard\/[^/]+\.(js|css|html|svg)$/]
const REQUIRED = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'src/index.ts', 'src/admin/dashboard/page.html', 'src/admin/dashboard/main.js']

/** Throws unless each file belongs there, none is missing, and dist is the build of exactly this src. */
export function checkTarball (files) {
  const [built, sources] = [modules(files, 'dist', '.js'), modules(files, 'src', '.ts')]
  none('do not belong into the package', files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file))))
  none('are missing in the package', REQUIRED.filter((file) => !files.includes(file)))
  none('stand in src and are not built', sources.filter((module) => !built.includes(module)))
  none('stand in dist and not in src', built.filter((module) => !sources.includes(module)))
}

/** Throws unless the source of each map in the installed package is a file in it. */
export function checkMaps (installed) {
  const dist = path.join(installed, 'dist')
  const maps = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith('.map'))
  assert.ok(maps.some((file) => file.endsWith('.d.ts.map')) && maps.some((file) => file.endsWith('.js.map')), 'both kinds of maps')
  const lost = maps.filter((file) => {
    const map = path.join(dist, file)
    const { sources } = JSON.parse(readFileSync(map, 'utf8'))
    return sources.length === 0 || sources.some((source) => !existsSync(path.resolve(path.dirname(map), source)))
  })
  none('are maps whose sources are not in the package', lost)
}

function none (what, files) {
  assert.ok(files.length === 0, `${files.length} files ${what}: ${files.join(', ')}`)
}

function modules (files, folder, extension) {
  return files
    .filter((file) => file.startsWith(`${folder}/`) && file.endsWith(extension))
    .map((file) => file.slice(folder.length + 1, -extension.length))
    .sort()
}
