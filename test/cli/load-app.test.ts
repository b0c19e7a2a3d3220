// Which app a module makes: each way to export it, and what is told where it is none.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { AppStyle } from '../../src/cli/app-style.ts'
import { findApp } from '../../src/cli/app-style.ts'
import { appLoader } from '../../src/cli/load-app.ts'
import { locateSyntaxError } from '../../src/cli/locate-syntax-error.ts'
import { createWorkerIdentity } from '../../src/worker-info.ts'
import { project } from './setup.ts'

const WORKER = createWorkerIdentity({ id: 7, generation: 1, isClustered: true }).info
const FASTIFY = "import Fastify from 'fastify'\n"
const ROUTE = "app.get('/', async () => 'here')"

const APPS: ReadonlyArray<readonly [what: string, file: string, text: string, answer: string, style?: AppStyle]> = [
  ['buildApp, given the worker', 'a.mjs', `${FASTIFY}export async function buildApp ({ id }) { const app = Fastify(); app.get('/', async () => 'worker ' + id); return app }`, 'worker 7'],
  ['buildApp beside a default plugin', 'b.mjs', `${FASTIFY}export default async function (app, options) {}\nexport const buildApp = () => { const app = Fastify(); ${ROUTE}; return app }`, 'here'],
  ['a factory as default', 'c.mjs', `${FASTIFY}export default () => { const app = Fastify(); ${ROUTE}; return app }`, 'here'],
  ['a factory with an optional parameter', 'd.mjs', `${FASTIFY}export default (options = {}) => { const app = Fastify(options); ${ROUTE}; return app }`, 'here'],
  ['a factory with a parameter, said to be one', 'e.mjs', `${FASTIFY}export default ({ id }) => { const app = Fastify(); app.get('/', async () => 'worker ' + id); return app }`, 'worker 7', 'factory'],
  ['a plugin of two parameters', 'f.mjs', `export default async function (app, options) { app.get('/', async () => options.greeting) }`, 'hello'],
  ['a plugin of one', 'g.mjs', `export default async app => { ${ROUTE}; return app }`, 'here'],
  ['a plugin with a callback', 'h.mjs', `export default (app, options, done) => { ${ROUTE}; done() }`, 'here'],
  ['a plugin wrapped by fastify-plugin', 'i.mjs', `import plugin from 'fastify-plugin'\nexport default plugin(async () => {}, { name: 'nothing' })\nexport const options = { routerOptions: { defaultRoute: (_, response) => response.end('options are taken') } }`, 'options are taken'],
  ['CommonJS', 'j.cjs', `exports.buildApp = () => { const app = require('fastify')(); ${ROUTE}; return app }`, 'here'],
  ['CommonJS made from an ES module', 'k.cjs', `Object.defineProperty(exports, '__esModule', { value: true })\nexports.default = async function (app, options) { ${ROUTE} }`, 'here']
]

for (const [what, file, text, answer, style] of APPS) {
  test(`runs ${what}`, async t => {
    const app = await load(project(t, { [file]: text }).folder, file, style)
    t.after(() => app.close())
    assert.equal((await app.inject('/')).body, answer)
  })
}

const NONE: ReadonlyArray<readonly [what: string, text: string, error: object]> = [
  ['no function', 'export const app = {}', { code: 'FST_CLUSTERIZE_NO_APP', message: /exports no app: .*; it exports app \(object\)$/ }],
  ['nothing', '', { code: 'FST_CLUSTERIZE_NO_APP', message: /it exports nothing$/ }],
  ['a plugin without parameters', 'export default () => {}', { code: 'FST_CLUSTERIZE_APP_STYLE', message: /no parameters, so it was called as a factory, but returned undefined: .*--as plugin/ }],
  ['a factory with a parameter', `${FASTIFY}export default worker => Fastify()`, { code: 'FST_CLUSTERIZE_APP_STYLE', message: /one parameter, so it was registered as a plugin, but returned an app of its own: .*--as factory/ }],
  ['what throws', 'export const buildApp = () => { throw new RangeError("no database") }', { name: 'RangeError', message: 'no database' }]
]

for (const [what, text, error] of NONE) {
  test(`tells of a module that exports ${what}`, async t => {
    await assert.rejects(load(project(t, { 'app.mjs': text }).folder, 'app.mjs'), error)
  })
}

test('a syntax error tells its file and line, also behind imports', async t => {
  const { folder } = project(t, { 'app.mjs': "import { a } from './lib/a.mjs'", 'lib/a.mjs': "export { a } from '../b.mjs'", 'b.mjs': '\nexport const a = (\n' })
  await assert.rejects(load(folder, 'app.mjs'), (error: Error) => error instanceof SyntaxError && /^\/.*\/b\.mjs:[34]\n/.test(error.stack ?? ''))
})

test('a syntax error that data have keeps its own stack, and no file is looked into for it', t => {
  const { folder } = project(t, { 'app.mjs': 'const a = ;' })
  try {
    JSON.parse('{')
  } catch (error) {
    const { stack } = error as SyntaxError
    assert.equal(locateSyntaxError(error as SyntaxError, path.join(folder, 'app.mjs')).stack, stack)
    return
  }
  assert.fail('that was JSON')
})

test('a style that was asked for is not told by the exports', () => {
  const [make, buildApp] = [(app: unknown, options: unknown) => [app, options], () => {}]
  assert.deepEqual(findApp({ default: make, buildApp }, 'plugin'), { make, style: 'plugin' })
  assert.deepEqual(findApp({ default: make }, 'factory'), { make, style: 'factory' })
  assert.equal(findApp({ buildApp }, 'plugin'), undefined)
})

async function load (folder: string, file: string, style?: AppStyle): Promise<FastifyInstance> {
  const build = appLoader({ file: path.join(folder, file), pluginOptions: { greeting: 'hello' }, logger: false, ...style === undefined ? {} : { style } })
  return await build(WORKER) as FastifyInstance
}
