import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { bindAdminSocket } from '../../src/admin/bind-socket.ts'
import { adminFolders, adminSocketPath, listAdminSockets } from '../../src/admin/socket-path.ts'
import { defaultName } from '../../src/options/cluster-name.ts'

const onWindows = process.platform === 'win32' && 'named pipes have no folders'

async function temporary (t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'admin-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('looks into the runtime folder first, and into the temporary one where a service has none', { skip: onWindows }, async t => {
  const runtime = await temporary(t)
  const environment = { XDG_RUNTIME_DIR: runtime }
  assert.deepEqual(adminFolders(environment).map(folder => path.dirname(folder)), [runtime, os.tmpdir()])
  assert.deepEqual(adminFolders({}), adminFolders({ XDG_RUNTIME_DIR: 'relative' }))
  assert.equal(adminSocketPath('shop', environment), path.join(runtime, 'fastify-clusterize', 'shop.sock'))
  assert.ok(!(await listAdminSockets(environment)).some(({ path: found }) => found.startsWith(runtime)))
  await mkdir(path.join(runtime, 'fastify-clusterize'))
  await writeFile(path.join(runtime, 'fastify-clusterize', 'shop.sock'), '')
  const listed = (await listAdminSockets(environment)).filter(({ path: found }) => found.startsWith(runtime))
  assert.deepEqual(listed, [{ name: 'shop', path: path.join(runtime, 'fastify-clusterize', 'shop.sock') }])
})

test('replaces no file that is not a socket, and no socket that somebody answers on', { skip: onWindows }, async t => {
  const folder = await temporary(t)
  const server = net.createServer()
  t.after(() => { server.close() })
  const file = path.join(folder, 'file')
  await writeFile(file, 'precious')
  await assert.rejects(bindAdminSocket(server, 'shop', file), { code: 'FST_CLUSTERIZE_ADMIN_SOCKET', message: /not a socket/ })
  const place = await bindAdminSocket(server, 'shop', path.join(folder, 'live'))
  await assert.rejects(bindAdminSocket(net.createServer(), 'shop', place), { code: 'FST_CLUSTERIZE_ADMIN_TAKEN' })
  await assert.rejects(bindAdminSocket(net.createServer(), 'shop', path.join(folder, 'missing', 'x')), { code: 'FST_CLUSTERIZE_ADMIN_SOCKET' })
})

/** As a process that was killed leaves it. */
async function leaveStale (place: string): Promise<void> {
  const server = net.createServer()
  await once(server.listen({ path: place }), 'listening')
  await rename(place, `${place}.kept`)
  server.close()
  await once(server, 'close')
  await rename(`${place}.kept`, place)
}

test('of two that find a stale socket at the same time exactly one replaces it', { skip: onWindows }, async t => {
  const folder = await temporary(t)
  for (let round = 0; round < 20; round++) {
    const place = path.join(folder, `${round}`)
    await leaveStale(place)
    const servers = [net.createServer(), net.createServer()]
    const outcomes = await Promise.allSettled(servers.map(server => bindAdminSocket(server, 'shop', place)))
    const lost = outcomes.flatMap(outcome => outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [])
    assert.deepEqual(lost, ['FST_CLUSTERIZE_ADMIN_TAKEN'])
    const client = net.connect({ path: place })
    await once(client, 'connect')
    client.destroy()
    for (const server of servers) server.close()
  }
  assert.deepEqual(await readdir(folder), [])
})

test('a cluster has the name of the package its script belongs to, else that of the script', async t => {
  const folder = await temporary(t)
  await mkdir(path.join(folder, 'dist'))
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ name: '@acme/web shop' }))
  assert.equal(defaultName(path.join(folder, 'dist', 'server.js')), 'acme-web-shop')
  assert.equal(defaultName(folder), 'acme-web-shop')
  await writeFile(path.join(folder, 'dist', 'package.json'), '{"type":"module"}')
  assert.equal(defaultName(path.join(folder, 'dist', 'server.js')), 'acme-web-shop')
  const alone = await temporary(t)
  assert.equal(defaultName(path.join(alone, 'server.js')), 'server')
  assert.equal(defaultName(path.join(alone, '---.js')), 'app')
})
