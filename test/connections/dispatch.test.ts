// Each way to reach a worker: slow clients, what the app sees, and what is more than a plain request.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { connect } from '../helpers/http-connection.ts'
import { startCluster } from './setup.ts'
import type { TestCluster } from './setup.ts'

/** Longer than any other client here is silent. */
const CONNECTION_TIMEOUT = 2000
const schedulings = ['kernel', 'connection', 'request', 'round-robin'] as const

for (const scheduling of schedulings) {
  void test(`clients of a port (${scheduling})`, async t => {
    const cluster = await startCluster(t, { server: { kind: 'http', connectionTimeout: CONNECTION_TIMEOUT }, options: { workers: 2, scheduling } })
    await t.test('that are slow with their header block get 408', () => slowHeader(cluster))
    await t.test('that do not read their answer are let go after connectionTimeout', () => deaf(cluster))
    await t.test('are seen by the app with their own address, and it by its public one', () => addresses(cluster))
    await t.test('are served with Expect: 100-continue, a large body and a pipelined pair', () => odd(cluster))
    await t.test('keep a WebSocket with its worker', t => webSocket(t, cluster))
  })

  void test(`clients of a Unix socket are served, and keep their connection over a reload (${scheduling})`, async t => {
    const folder = mkdtempSync(path.join(tmpdir(), 'unix-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const cluster = await startCluster(t, { options: { workers: 1, scheduling, reload: { stableFor: 50 }, path: path.join(folder, 'app.sock') } })
    const client = await connect(cluster.target)
    t.after(() => client.close())
    assert.equal((await client.get('/')).status, 200)
    cluster.send({ type: 'reload' })
    await cluster.event('reloaded')
    assert.equal((await client.get('/')).headers['x-worker-generation'], '2')
  })
}

void test('a client whose expectation cannot be met keeps its connection, and takes no place with it', async t => {
  const cluster = await startCluster(t, { options: { workers: 1, scheduling: 'request', concurrency: 1, queue: { timeout: 2_000 } } })
  const [refused, other] = await Promise.all([connect(cluster.target), connect(cluster.target)])
  refused.write('GET / HTTP/1.1\r\nhost: test\r\nexpect: nope\r\n\r\n')
  assert.equal((await refused.read()).status, 417)
  assert.equal((await other.get('/')).status, 200)
  assert.equal((await refused.get('/')).status, 200)
  refused.close()
  other.close()
})

async function slowHeader ({ target }: TestCluster): Promise<void> {
  const client = await connect(target)
  client.write('GET / HTTP/1.1\r\nhost: te')
  assert.equal((await client.read()).status, 408)
  assert.notEqual(await client.ended, 'cut')
}

async function deaf (cluster: TestCluster): Promise<void> {
  const client = await connect(cluster.target)
  client.socket.pause()
  client.write('GET /large HTTP/1.1\r\nhost: test\r\n\r\n')
  // Not before: there is more than the kernel takes, and nobody reads.
  await cluster.event('large-closed')
  client.close()
}

async function addresses (cluster: TestCluster): Promise<void> {
  const { host, port } = portOf(cluster)
  const listened = await cluster.event('listened') as { address: { address: string, port: number }, addresses: Array<{ port: number }> }
  assert.equal(listened.address.address, host)
  assert.equal(listened.address.port, port)
  assert.deepEqual(listened.addresses.map(address => address.port), [port])
  const client = await connect(cluster.target)
  const body = JSON.parse((await client.get('/')).body)
  assert.deepEqual([body.ip, body.remotePort], ['127.0.0.1', client.socket.localPort])
  client.close()
}

async function odd ({ target }: TestCluster): Promise<void> {
  const client = await connect(target)
  client.write('POST /echo HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-type: application/octet-stream\r\ncontent-length: 5\r\n\r\n')
  await new Promise(resolve => { client.socket.once('data', resolve) })
  client.write('12345')
  assert.equal(JSON.parse((await client.read()).body).bytes, 5)
  const size = 3_000_000
  client.write(`POST /echo HTTP/1.1\r\nhost: test\r\ncontent-type: application/octet-stream\r\ncontent-length: ${size}\r\n\r\n`)
  client.write(Buffer.alloc(size, 'x'))
  assert.equal(JSON.parse((await client.read()).body).bytes, size)
  client.write('GET /wait/20 HTTP/1.1\r\nhost: test\r\n\r\nGET / HTTP/1.1\r\nhost: test\r\n\r\n')
  assert.equal((await client.read()).status, 200)
  assert.equal((await client.read()).status, 200)
  assert.equal((await client.get('/')).status, 200)
  client.close()
}

async function webSocket (t: TestContext, cluster: TestCluster): Promise<void> {
  const { host, port } = portOf(cluster)
  const socket = new WebSocket(`ws://${host}:${port}/ws`)
  t.after(() => socket.terminate())
  await new Promise((resolve, reject) => { socket.once('open', resolve).once('error', reject) })
  const echo = (text: string): Promise<string> => new Promise(resolve => {
    socket.once('message', (data: Buffer) => resolve(data.toString()))
    socket.send(text)
  })
  const pid = (await echo('a')).split(':')[0]
  for (let count = 0; count < 5; count++) assert.equal(await echo(`b${count}`), `${pid}:b${count}`)
}

function portOf ({ target }: TestCluster): { host: string, port: number } {
  return 'port' in target ? target : assert.fail('it has no port')
}
