// What a command makes of answers that no admin server gives, and of a cluster that goes away meanwhile.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { RequestListener } from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { adminClient } from '../../src/cli/admin-client.ts'
import { project } from './setup.ts'

async function answering (t: TestContext, listener: RequestListener): Promise<ReturnType<typeof adminClient>> {
  const name = path.join(project(t).folder, 's')
  const socketPath = process.platform === 'win32' ? `\\\\.\\pipe\\${path.basename(path.dirname(name))}` : name
  const server = http.createServer(listener)
  await once(server.listen({ path: socketPath }), 'listening')
  t.after(() => { server.close() })
  return adminClient(socketPath)
}

test('says so when what answers is no admin server', async t => {
  const client = await answering(t, (_request, response) => response.writeHead(404).end('<h1>Not found</h1>'))
  await assert.rejects(client.ask('GET', '/status'), { exitCode: 3, message: /is no admin server/ })
})

test('says so when the cluster dies while its events are followed, or before it has answered', async t => {
  const client = await answering(t, ({ url }, response) => {
    if (url === '/events') response.write('event: status\n', () => response.destroy())
    else response.destroy()
  })
  const parts: string[] = []
  await assert.rejects(async () => {
    for await (const part of client.follow('/events', new AbortController().signal)) parts.push(part)
  }, { exitCode: 3, message: /^No cluster answers/ })
  assert.deepEqual(parts, ['event: status\n'])
  await assert.rejects(client.ask('POST', '/reload'), { exitCode: 3 })
})
