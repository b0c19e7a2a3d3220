// Where a cluster listens: what the primary tells is where the workers answer.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import dns from 'node:dns/promises'
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { get } from '../helpers/get.ts'
import { connect } from '../helpers/http-connection.ts'
import { ended, startCluster } from './start-cluster.ts'

interface TcpAddress { address: string, family: string, port: number }

const CLEAN = { code: 0, signal: null }
const SCHEDULINGS = ['kernel', 'round-robin'] as const
const hasIPv6 = Object.values(networkInterfaces()).flat().some(each => each?.address === '::1')
// More than one connection finds each worker, most times; what counts is that all of them are answered.
const REQUESTS = 10

for (const scheduling of SCHEDULINGS) {
  for (const [host, reachable] of [['127.0.0.1', ['127.0.0.1']], ['0.0.0.0', ['127.0.0.1']], ...hasIPv6 ? [['::1', ['::1']], ['::', ['::1', '127.0.0.1']]] as const : []] as ReadonlyArray<readonly [string, readonly string[]]>) {
    test(`port 0 on ${host} is one true port for all workers (${scheduling})`, async t => {
      const cluster = await startCluster(t, { options: { workers: 2, host, port: 0, scheduling } })

      const [address, ...others] = cluster.addresses as TcpAddress[]
      assert.equal(address?.address, host)
      assert.equal(address.family, host.includes(':') ? 'IPv6' : 'IPv4')
      assert.ok(address.port > 0)
      // Node's own way may tell an address for each family.
      if (scheduling === 'kernel') assert.deepEqual(others, [])
      for (const name of reachable) await assertServes({ host: name, port: address.port })
    })
  }

  test(`localhost is served on each of its families, by the same port (${scheduling})`, async t => {
    const found = await dns.lookup('localhost', { all: true })
    const cluster = await startCluster(t, { options: { workers: 2, host: 'localhost', port: 0, scheduling } })

    const told = cluster.addresses as TcpAddress[]
    assert.deepEqual(told.map(({ address }) => address).sort(), found.map(({ address }) => address).filter(address => hasIPv6 || !address.includes(':')).sort())
    assert.equal(new Set(told.map(({ port }) => port)).size, 1)
    for (const { address, port } of told) await assertServes({ host: address, port })
  })

  test(`a Unix socket is served, open to whom the options say, and gone after the stop (${scheduling})`, async t => {
    const socket = path.join(await folder(t), 'app.sock')
    const cluster = await startCluster(t, { options: { workers: 2, path: socket, readableAll: true, writableAll: true, scheduling } })

    assert.deepEqual(cluster.addresses, [socket])
    assert.equal(statSync(socket).mode & 0o666, 0o666)
    await assertServes({ socketPath: socket })
    const { body } = await get({ socketPath: socket, path: '/process' })
    assert.equal((JSON.parse(body) as { address: string }).address, socket)

    cluster.kill('SIGTERM')
    assert.deepEqual(await ended(cluster), CLEAN)
    assert.equal(existsSync(socket), false)
  })
}

test('an app is told the public address of its cluster', async t => {
  const cluster = await startCluster(t, { options: { workers: 1 } })

  const { body } = await get({ ...cluster.target, path: '/process' })

  assert.deepEqual((JSON.parse(body) as { address: TcpAddress }).address, cluster.addresses[0])
})

test('a Unix socket that is not opened to others is not', async t => {
  const socket = path.join(await folder(t), 'app.sock')
  await startCluster(t, { options: { workers: 1, path: socket } })

  assert.equal(statSync(socket).mode & 0o022, 0)
})

test('backlog is the length of the queue in the kernel', async t => {
  const cluster = await startCluster(t, { options: { workers: 2, backlog: 37 } })

  // Only Linux tells it, and only where `ss` is installed.
  const queue = sendQueueOf(cluster.target.port)
  if (queue !== undefined) assert.equal(queue, 37)
  assert.equal((await get({ ...cluster.target, path: '/' })).status, 200)
})

test('an idle cluster shows each of its workers to new connections', async t => {
  const cluster = await startCluster(t, { options: { workers: 3 } })
  const seen = new Set<string | undefined>()

  for (let connections = 0; seen.size < 3 && connections < 3_000; connections++) {
    const connection = await connect(cluster.target)
    const { headers } = await connection.get('/')
    seen.add(headers['x-worker-id'])
    connection.close()
  }

  assert.deepEqual(seen, new Set(['1', '2', '3']))
})

async function assertServes (where: { host: string, port: number } | { socketPath: string }): Promise<void> {
  for (let request = 0; request < REQUESTS; request++) {
    const { status, headers } = await get({ ...where, path: '/' })
    assert.equal(status, 200)
    assert.match(headers['x-worker-id'] as string, /^[12]$/)
  }
}

/** The Send-Q of a listening socket in the table of `ss`, which is its backlog. */
function sendQueueOf (port: number): number | undefined {
  try {
    const table = execFileSync('ss', ['-ltnH', `sport = :${port}`], { encoding: 'utf8' })
    return Number(table.trim().split(/\s+/)[2])
  } catch {
    return undefined
  }
}

async function folder (t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'cluster-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}
