// `clusterize start` with each kind of module, and all that can be wrong with what it is given.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import { appThatSays, ask, project } from './setup.ts'

const CLEAN = { code: 0, signal: null }

const MODULES: ReadonlyArray<readonly [file: string, text: string, args: readonly string[], answer: object]> = [
  ['named.mjs', appThatSays('named'), [], { said: 'named', worker: 1 }],
  ['factory.cjs', `const Fastify = require('fastify')
module.exports = () => {
  const app = Fastify()
  app.get('/', async () => ({ workers: process.argv.slice(2).includes('factory.cjs') }))
  return app
}`, [], { workers: true }],
  ['plugin.js', `module.exports = async function (fastify, options) {
  fastify.get('/', async () => options)
}
module.exports.options = { ignoreTrailingSlash: true }`, ['--', '--greeting=hello', '--loud'], { greeting: 'hello', loud: true }],
  ['typed.ts', `import type { FastifyInstance } from 'fastify'
interface Answer { typed: boolean }
export default async function (fastify: FastifyInstance): Promise<void> {
  fastify.get('/', async (): Promise<Answer> => ({ typed: true }))
}`, [], { typed: true }]
]

test('runs a module that exports buildApp, a factory or a plugin, in JavaScript and TypeScript', async t => {
  const { start } = project(t, Object.fromEntries(MODULES))
  await Promise.all(MODULES.map(async ([file, , args, answer]) => {
    // A flag wins over a variable, and a variable over what a platform sets for everybody.
    const started = start([file, '--workers', '1', ...args], { env: { CLUSTERIZE_NAME: file, CLUSTERIZE_WORKERS: '2', PORT: '1' } })
    const { workers } = await started.event('cluster-ready')
    const { addresses } = await started.event('admin-ready') as { addresses?: readonly string[] }
    const { body, headers } = await ask(started)
    started.kill('SIGTERM')

    assert.deepEqual(JSON.parse(body), answer, file)
    assert.equal(headers['x-worker-id'], '1')
    assert.equal(workers, 1)
    assert.ok(addresses?.[0]?.endsWith(`${file}.sock`))
    assert.deepEqual(await started.exit(), CLEAN)
  }))
})

test('wrong usage is told before anything is tried, with exit code 2', async t => {
  const { run } = project(t, { 'app.mjs': appThatSays('hello') })
  const usages: ReadonlyArray<readonly [args: readonly string[], message: RegExp]> = [
    [[], /Usage: clusterize/],
    [['stauts'], /^clusterize: Unknown command "stauts", did you mean "status"\?\n→ clusterize help\n$/],
    [['start', 'app.mjs', '--prot', '80'], /^clusterize: Unknown flag --prot, did you mean --port\?\n$/],
    [['start', 'app.mjs', '--port', '70000'], /^✖ Option "port" must be a whole number from 0 to 65535, received 70000\n$/],
    [['top'], /top needs a terminal/]
  ]
  await Promise.all(usages.map(async ([args, message]) => {
    const { code, stdout, stderr } = await run(args)
    assert.match(stderr, message)
    assert.deepEqual([code, stdout], [2, ''])
  }))
})

const BROKEN: ReadonlyArray<readonly [file: string, text: string, message: RegExp, stack: RegExp, hint: RegExp]> = [
  ['syntax.mjs', 'import "./part.mjs"', /Unexpected token/, /part\.mjs:2\nconst b = ;\n {10}\^/, /\n→ mend the syntax error/],
  ['missing.mjs', 'import "./nowhere.mjs"', /Cannot find module .*nowhere\.mjs/, /imported from .*missing\.mjs/, /\n→ check the path that is imported/]
]

test('code that does not boot is told with its stack and what to do next, with exit code 1', async t => {
  const { run } = project(t, { 'part.mjs': 'const a = 1\nconst b = ;\n', ...Object.fromEntries(BROKEN) })
  await Promise.all(BROKEN.map(async ([file, , message, stack, hint]) => {
    const { code, stderr } = await run(['start', '--port', '0', '--workers', '1', '--name', file, file])
    assert.equal(code, 1, stderr)
    for (const expected of [/^✖ The cluster did not come up: /, message, stack, hint]) assert.match(stderr, expected)
  }))
})

test('a port that is taken is told with what to do next', async t => {
  const { run } = project(t, { 'app.mjs': appThatSays('hello') })
  const server = net.createServer()
  await once(server.listen({ port: 0, host: '127.0.0.1' }), 'listening')
  t.after(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined

  const { code, stderr } = await run(['start', 'app.mjs', '--workers', '1', '--host', '127.0.0.1', '--port', String(port)])

  assert.equal(code, 1)
  assert.match(stderr, /EADDRINUSE[\s\S]*\n→ another process listens there/)
})
