// Clusters under more load than they can do: who is served, what adds up, and who gets what is new.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ShedReason, WorkerView } from '../../src/index.ts'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'
import { startArrivals, startOverloaded } from './start-cluster.ts'
import { until } from '../helpers/processes.ts'
import type { OverloadedCluster } from './start-cluster.ts'

const PRIORITIES = ['critical', 'normal', 'sheddable'] as const
const MANY = 6
const BATCHES = 5
// Long enough, in ms, that the worker that is well has time to spare in each one, also where the machine has other things to do.
const PERIOD = 200
const PAUSE = 30
/** Of one test, in ms, so that what never comes is told by name. */
const timeout = 150_000

for (const [handlers, below] of [['keep the loop at once', ''], ['await first', '/after-a-wait']] as const) {
  test(`under overload what is critical goes first, health routes are served, and every answer is accounted for (handlers that ${handlers})`, { timeout }, async t => {
    const cluster = await startOverloaded(t, { options: { workers: 2, snapshotInterval: 50 }, shedding: { maxQueueDelay: 50 } })
    cluster.slow({ all: 20 })
    // Four times what the two can do; what is critical alone is well below.
    const clients = PRIORITIES.map(priority => startArrivals(cluster.target, `/${priority}${below}`, priority === 'critical' ? 30 : 6))
    const health = startArrivals(cluster.target, '/livez', 50)
    await Promise.all([clients[1]?.reached('shed', 100), clients[2]?.reached('shed', 100), clients[0]?.reached('served', 20)])
    await until(async () => (await cluster.stats()).workers.shedding > 0, () => 'a worker that sheds')
    await Promise.all([...clients, health].map(client => client.stop()))
    assert.deepEqual([health.answers.shed, ...[...clients, health].map(({ answers }) => answers.other)], [0, 0, 0, 0, 0])

    const [critical = 0, normal = 0, sheddable = 0] = clients.map(({ answers: { served, shed } }) => served / (served + shed))
    assert.ok(critical > normal && critical > 2 * sheddable, `${critical}, ${normal} and ${sheddable} of them were served`)

    const told = PRIORITIES.map((_, index) => clients[index]?.answers.shed)
    const counted = (views: readonly WorkerView[]): number[] => PRIORITIES.map(priority => sumOf(views, (_, counts) => counts[priority]))
    await reached(cluster, 'as many counted as told', views => sum(counted(views)) >= sum(told))
    assert.deepEqual(counted(await cluster.workers()), told)
    assert.equal(sum((await cluster.workers()).map(({ snapshot }) => snapshot?.requests.shed ?? 0)), sum(told))

    cluster.slow({ all: 0 })
    await reached(cluster, 'the end of shedding', views => views.every(({ snapshot }) => snapshot?.shedding.share === 0))
    const client = await connect(cluster.target)
    assert.equal((await client.get('/sheddable')).status, 200)
    client.close()
  })
}

test('a downstream that slows makes an adaptive limit shed, and once it has recovered all are served', { timeout }, async t => {
  const cluster = await startOverloaded(t, { options: { workers: 1, snapshotInterval: 50, rebalance: false }, shedding: { maxQueueDelay: false, maxInFlight: 'adaptive' } })
  cluster.slow({ all: 2 })
  const clients = startArrivals(cluster.target, '/downstream', 5)
  await clients.reached('served', 250)
  assert.deepEqual([clients.answers.shed, clients.answers.other], [0, 0])
  cluster.slow({ all: 200 })
  await clients.reached('shed', 100)
  await reached(cluster, 'a lower limit', ([view]) => (view?.snapshot?.shedding.limit ?? Infinity) < 60)
  cluster.slow({ all: 2 })
  for (let before = -1; before !== clients.answers.shed;) {
    before = clients.answers.shed
    await clients.reached('served', 250)
  }
  await clients.stop()
})

for (const scheduling of ['kernel', 'connection', 'request'] as const) {
  test(`a worker that sheds while its sibling has time gets no new connections and keeps no idle ones, until it has recovered (${scheduling})`, { timeout }, async t => {
    const cluster = await startOverloaded(t, { options: { workers: 2, scheduling, snapshotInterval: PERIOD, rebalance: false }, shedding: {} })
    const kept = scheduling === 'request' ? undefined : await connectTo(cluster, '2')
    const sick = (await cluster.workers()).find(({ id }) => id === 2)
    assert.ok(sick)
    cluster.slow({ [sick.pid]: -1 })
    const shed: number[] = []
    // What is answered at once looks idle, so without more it would draw ever more to it.
    await until(async () => {
      const clients = await Promise.all(Array.from({ length: MANY }, () => connect(cluster.target)))
      shed.push(...(await Promise.all(clients.map(client => client.get('/downstream')))).map(({ status }) => status))
      for (const client of clients) client.close()
      return cluster.lines().some(({ event }) => event === 'worker-overloaded')
    }, () => 'a worker that rests')
    assert.ok(shed.includes(503))
    assert.equal((await cluster.event('worker-overloaded'))['slot'], 2)
    // One batch may miss it by chance.
    let batches = 0
    await until(async () => (batches = (await answeredBy(cluster)).has('2') ? 0 : batches + 1) === BATCHES, () => 'new connections to be all for the one that is well')
    if (kept !== undefined) await until(async () => (await kept.get('/livez')).headers['x-worker-id'] === '1', () => 'the kept connection to move')
    kept?.close()
    assert.equal((await cluster.stats()).workers.ready, 2)

    cluster.slow({})
    await cluster.event('worker-recovered', ({ slot }) => slot === 2)
    await until(async () => (await answeredBy(cluster)).has('2'), () => 'an answer of the one that has recovered')
  })
}

async function connectTo (cluster: OverloadedCluster, worker: string): Promise<HttpConnection> {
  // Those of the other stay open meanwhile, or a balancer that counts would choose it again and again.
  const others: HttpConnection[] = []
  try {
    for (;;) {
      const client = await connect(cluster.target)
      if ((await client.get('/livez')).headers['x-worker-id'] === worker) return client
      others.push(client)
    }
  } finally {
    for (const client of others) client.close()
  }
}

async function answeredBy ({ target }: OverloadedCluster): Promise<Set<string | undefined>> {
  const clients = await Promise.all(Array.from({ length: MANY }, () => connect(target)))
  const answers = await Promise.all(clients.map(client => client.get('/livez')))
  for (const client of clients) client.close()
  // Whoever has no time to spare is no help for one that sheds.
  await sleep(PAUSE)
  return new Set(answers.map(({ headers }) => headers['x-worker-id']))
}

async function reached (cluster: OverloadedCluster, what: string, isReached: (views: readonly WorkerView[]) => boolean): Promise<void> {
  let views: readonly WorkerView[] = []
  await until(async () => isReached(views = await cluster.workers()), () => `${what}; the workers: ${JSON.stringify(views.map(({ id, snapshot }) => ({ id, ...snapshot?.shedding })))}`)
}

function sumOf (views: readonly WorkerView[], value: (reason: ShedReason, counts: Readonly<Record<typeof PRIORITIES[number], number>>) => number): number {
  return sum(views.flatMap(({ snapshot }) => Object.entries(snapshot?.shedding.shed ?? {}).map(([reason, counts]) => value(reason as ShedReason, counts))))
}

function sum (values: ReadonlyArray<number | undefined>): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}
