// Module hooks that read `.compiled/path/file.js`, which test/run.js has tsc write, in place of `path/file.ts`.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../', import.meta.url).href
const COMPILED = new URL('../.compiled/', import.meta.url).href
const LIBRARIES = new URL('../node_modules/', import.meta.url).href

/** tsc writes `./file.js` where the source says `./file.ts`; the source stays the module's address. */
export async function resolve (specifier, context, next) {
  if (specifier === 'fastify-clusterize' && isOurs(context.parentURL ?? '')) return { url: `${ROOT}src/index.ts`, format: 'module', shortCircuit: true }
  if (/^\.\.?\/.*\.js$/.test(specifier) && isOurs(context.parentURL ?? '')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
    if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true }
  }
  return next(specifier, context)
}

export async function load (url, context, next) {
  if (!isOurs(url)) return next(url, context)
  const compiled = COMPILED + url.slice(ROOT.length).replace(/\.ts(\?.*)?$/, '.js')
  return { format: 'module', source: readFileSync(fileURLToPath(compiled), 'utf8'), shortCircuit: true }
}

function isOurs (url) {
  return url.startsWith(ROOT) && !url.startsWith(LIBRARIES) && /\.ts(\?.*)?$/.test(url)
}
