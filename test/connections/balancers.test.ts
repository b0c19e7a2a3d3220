// Balancers place real connections, and a faulty one costs none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get } from '../helpers/get.ts'
import { connect } from '../helpers/http-connection.ts'
import { until } from '../helpers/processes.ts'
import { startCluster } from './setup.ts'

const balancers = ['round-robin', 'least-connections', 'power-of-two-choices', 'random', 'ip-hash'] as const

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

for (const balancer of balancers) {
  void test(`while a worker replaces another the new one gets new connections, and the old one none once it drains (${balancer})`, async t => {
    const cluster = await startCluster(t, { options: { workers: 1, scheduling: 'connection', balancer, reload: { stableFor: 2_000 } } })
    const held = Array.from({ length: 4 }, () => connect(cluster.target))
    t.after(async () => { for (const client of await Promise.all(held)) client.close() })
    await Promise.all(held)
    const pidOf = async (): Promise<unknown> => {
      const client = await connect(cluster.target)
      t.after(() => client.close())
      return (await client.get('/')).headers['x-worker-pid']
    }
    cluster.send({ type: 'reload' })
    const { pid } = await cluster.event('worker-ready', ({ generation }) => generation === 2)
    const pids = []
    for (let count = 0; count < 16; count++) pids.push(await pidOf())
    assert.ok(pids.includes(String(pid)), `${String(pid)} is not among ${pids.join(', ')}`)
    await cluster.event('reload-done')
    assert.equal(await pidOf(), String(pid))
  })
}

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
