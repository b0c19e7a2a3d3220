// The primary accepts: balancers, slow clients, protocols, and what the app sees of it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { get } from '../helpers/get.ts'
import { connect } from '../helpers/http-connection.ts'
import { until } from '../helpers/processes.ts'
import { startCluster } from './setup.ts'

const schedulings = ['kernel', 'connection', 'request', 'round-robin'] as const
const balancers = ['round-robin', 'least-connections', 'power-of-two-choices', 'random', 'ip-hash'] as const

for (const scheduling of schedulings) {
  void test(`a client that is slow with its header block gets 408 (${scheduling})`, async t => {
    const { target } = await startCluster(t, { options: { workers: 1, scheduling } })
    const client = await connect(target)
    client.write('GET / HTTP/1.1\r\nhost: te')
    const answer = await client.read()
    assert.equal(answer.status, 408)
    assert.notEqual(await client.ended, 'cut')
  })

  void test(`the app sees its public address and the client's own (${scheduling})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 1, scheduling } })
    const { host, port } = cluster.target as { host: string, port: number }
    const listened = await cluster.event('listened') as { address: { address: string, port: number }, addresses: Array<{ port: number }> }
    assert.equal(listened.address.address, host)
    assert.equal(listened.address.port, port)
    assert.deepEqual(listened.addresses.map(address => address.port), [port])
    const client = await connect(cluster.target)
    t.after(() => client.close())
    const body = JSON.parse((await client.get('/')).body)
    assert.equal(body.ip, '127.0.0.1')
    assert.equal(body.remotePort, client.socket.localPort)
  })

  void test(`Expect: 100-continue, a large body and a pipelined pair are served (${scheduling})`, async t => {
    const { target } = await startCluster(t, { options: { workers: 2, scheduling } })
    const client = await connect(target)
    t.after(() => client.close())
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
  })

  void test(`a WebSocket stays with its worker (${scheduling})`, async t => {
    const { target } = await startCluster(t, { options: { workers: 2, scheduling } })
    const { host, port } = target as { host: string, port: number }
    const socket = new WebSocket(`ws://${host}:${port}/ws`)
    t.after(() => socket.terminate())
    await new Promise((resolve, reject) => { socket.once('open', resolve).once('error', reject) })
    const echo = (text: string): Promise<string> => new Promise(resolve => {
      socket.once('message', (data: Buffer) => resolve(data.toString()))
      socket.send(text)
    })
    const pid = (await echo('a')).split(':')[0]
    for (let count = 0; count < 5; count++) assert.equal(await echo(`b${count}`), `${pid}:b${count}`)
  })

  void test(`clients of a Unix socket are served, and keep their connection over a reload (${scheduling})`, async t => {
    const folder = mkdtempSync(path.join(tmpdir(), 'unix-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const cluster = await startCluster(t, { options: { workers: 2, scheduling, reload: { stableFor: 50 }, path: path.join(folder, 'app.sock') } })
    const client = await connect(cluster.target)
    t.after(() => client.close())
    assert.equal((await client.get('/')).status, 200)
    cluster.send({ type: 'reload' })
    await cluster.event('reloaded')
    assert.equal((await client.get('/')).headers['x-worker-generation'], '2')
  })
}

for (const balancer of balancers) {
  void test(`the balancer ${balancer} places connections`, async t => {
    const { target } = await startCluster(t, { options: { workers: 3, scheduling: 'connection', balancer } })
    const clients = await Promise.all(Array.from({ length: 24 }, () => connect(target)))
    t.after(() => { for (const client of clients) client.close() })
    const counts = new Map<string, number>()
    for (const answer of await Promise.all(clients.map(client => client.get('/')))) {
      const id = answer.headers['x-worker-id'] ?? ''
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    const even = balancer === 'round-robin' || balancer === 'least-connections'
    if (balancer === 'ip-hash') assert.equal(counts.size, 1)
    else if (even) assert.deepEqual([...counts.values()], [8, 8, 8])
    // Chance: three workers and 24 draws leave one out in less than two runs of 10,000.
    else assert.equal(counts.size, 3)
  })
}

void test('least-connections counts the connections that have ended', async t => {
  const { target } = await startCluster(t, { options: { workers: 2, scheduling: 'connection', balancer: 'least-connections' } })
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(target)))
  t.after(() => { for (const client of clients) client.close() })
  const answers = await Promise.all(clients.map(client => client.get('/')))
  const first = answers[0]?.headers['x-worker-id']
  for (const [index, client] of clients.entries()) if (answers[index]?.headers['x-worker-id'] === first) client.close()
  await until(async () => {
    const client = await connect(target)
    const id = (await client.get('/')).headers['x-worker-id']
    client.close()
    return id === first
  }, () => 'a new connection on the worker that lost its own')
})

for (const faulty of ['throws', 'nonsense'] as const) {
  void test(`a balancer that ${faulty === 'throws' ? 'throws' : 'returns nonsense'} costs no connection and is logged once`, async t => {
    const cluster = await startCluster(t, { options: { workers: 2, scheduling: 'connection' }, faulty })
    const { host, port } = cluster.target as { host: string, port: number }
    const ids = new Set<unknown>()
    for (let count = 0; count < 6; count++) ids.add((await get({ host, port })).headers['x-worker-id'])
    assert.deepEqual([...ids].map(String).toSorted(), ['1', '2'])
    await cluster.event('balancer-failed')
    assert.equal(cluster.lines().filter(line => line['event'] === 'balancer-failed').length, 1)
  })
}

function certificate (t: TestContext): { key: string, cert: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'cert-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

for (const scheduling of schedulings) {
  void test(`an HTTPS app is served (${scheduling})`, async t => {
    const { target } = await startCluster(t, { options: { workers: 2, scheduling }, server: { kind: 'https', ...certificate(t) } })
    for (let count = 0; count < 4; count++) {
      const status = await new Promise((resolve, reject) => {
        https.get({ ...target, agent: false, rejectUnauthorized: false }, response => {
          response.resume()
          resolve(response.statusCode)
        }).once('error', reject)
      })
      assert.equal(status, 200)
    }
  })

  for (const kind of ['h2', 'h2c'] as const) {
    void test(`an HTTP/2 app is served, ${kind === 'h2' ? 'secure' : 'cleartext'} (${scheduling})`, async t => {
      const { target } = await startCluster(t, { options: { workers: 2, scheduling }, server: { kind, ...kind === 'h2' ? certificate(t) : {} } })
      const { host, port } = target as { host: string, port: number }
      const session = http2.connect(`${kind === 'h2' ? 'https' : 'http'}://${host}:${port}`, { rejectUnauthorized: false })
      t.after(() => session.destroy())
      for (let count = 0; count < 3; count++) {
        const stream = session.request({ ':path': '/' })
        const status = await new Promise((resolve, reject) => {
          stream.once('response', headers => resolve(headers[':status'])).once('error', reject)
          stream.resume()
        })
        assert.equal(status, 200)
      }
    })
  }
}
