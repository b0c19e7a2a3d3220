// The supervisor's plan, by example and against thousands of random histories of a simulated cluster.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRolledOut, isStaffed, nextProof, plan } from '../../src/primary/plan.ts'
import type { Action, Desired, Plan, PlannedWorker } from '../../src/primary/plan.ts'

const RUNS = 3_000
const BOOT_TIMEOUT = 300
const DRAIN_TIMEOUT = 200
const always = (): number => 0

function desire (changes: Partial<Desired> = {}): Desired {
  return { phase: 'running', size: 1, spares: 0, generation: 1, concurrency: 1, stableFor: 100, drainBy: Infinity, ...changes }
}

let lastKey = 0
function worker (changes: Partial<PlannedWorker> = {}): PlannedWorker {
  return { key: ++lastKey, slot: 1, generation: 1, state: 'ready', deadline: Infinity, readyAt: 0, dismissed: false, hung: false, ...changes }
}

function spare (changes: Partial<PlannedWorker> = {}): PlannedWorker {
  return worker({ slot: 0, state: 'spare', readyAt: undefined, ...changes })
}

void test('empty slots are filled at once', () => {
  assert.deepEqual(plan(desire({ size: 3 }), [worker({ slot: 2 })], always, 0).actions, [
    { type: 'fork', slot: 1, generation: 1 },
    { type: 'fork', slot: 3, generation: 1 }
  ])
})

void test('a slot that is held back is forked when its time has come', () => {
  const held = plan(desire(), [], () => 500, 499)
  assert.deepEqual(held, { actions: [], wakeAt: 500 })
  assert.deepEqual(plan(desire(), [], () => 500, 500).actions, [{ type: 'fork', slot: 1, generation: 1 }])
})

void test('a worker that is not ready or not gone in time is killed, and told why', () => {
  const workers = [worker({ state: 'booting', deadline: 50, readyAt: undefined }), worker({ slot: 2, state: 'draining', deadline: 60 })]
  assert.equal(plan(desire({ size: 1 }), workers, always, 49).wakeAt, 50)
  assert.deepEqual(plan(desire({ size: 1 }), workers, always, 60).actions, [
    { type: 'kill', key: workers[0]?.key, why: 'boot-timeout' },
    { type: 'kill', key: workers[1]?.key, why: 'drain-timeout' }
  ])
})

void test('haste shortens every drain, and no boot', () => {
  const workers = [worker({ state: 'booting', deadline: 500, readyAt: undefined }), worker({ slot: 2, state: 'draining', deadline: 500 })]
  assert.equal(plan(desire({ drainBy: 60 }), workers, always, 59).wakeAt, 60)
  assert.deepEqual(plan(desire({ drainBy: 60 }), workers, always, 60).actions, [{ type: 'kill', key: workers[1]?.key, why: 'drain-timeout' }])
})

void test('a worker that hangs is killed whatever else is wanted, and its slot is forked once it is being killed', () => {
  const hung = worker({ hung: true })
  assert.deepEqual(plan(desire(), [hung], always, 0).actions, [{ type: 'kill', key: hung.key, why: 'hang' }])
  assert.deepEqual(plan(desire(), [{ ...hung, state: 'killing' }], always, 0).actions, [{ type: 'fork', slot: 1, generation: 1 }])
  const [first] = plan(desire({ phase: 'stopping' }), [hung], always, 0).actions
  assert.deepEqual(first, { type: 'kill', key: hung.key, why: 'hang' })
})

void test('one that is being killed is not killed again, and its slot is filled', () => {
  const actions = plan(desire(), [worker({ state: 'killing', deadline: 0 })], always, 10).actions
  assert.deepEqual(actions, [{ type: 'fork', slot: 1, generation: 1 }])
})

void test('an old worker goes only once the new one of its slot has been ready for stableFor', () => {
  const old = worker()
  const fresh = worker({ generation: 2, readyAt: 1_000 })
  const wanted = desire({ generation: 2 })
  assert.deepEqual(plan(wanted, [old, { ...fresh, state: 'booting', readyAt: undefined }], always, 1_000).actions, [])
  assert.deepEqual(plan(wanted, [old, fresh], always, 1_099), { actions: [], wakeAt: 1_100 })
  assert.deepEqual(plan(wanted, [old, fresh], always, 1_100).actions, [{ type: 'retire', key: old.key, mode: 'retire' }])
})

void test('workers of slots that are no longer wanted go', () => {
  const surplus = worker({ slot: 2, state: 'booting' })
  assert.deepEqual(plan(desire({ size: 1 }), [worker(), surplus], always, 0).actions, [{ type: 'retire', key: surplus.key, mode: 'retire' }])
})

void test('after a reload was given up the worker that serves stays, not the one that boots', () => {
  const late = worker({ generation: 2, state: 'booting', readyAt: undefined })
  const served = worker({ generation: 2 })
  assert.deepEqual(plan(desire(), [late, served], always, 0).actions, [{ type: 'retire', key: late.key, mode: 'retire' }])
})

void test('a cluster is staffed once each slot is served and nobody lives beyond', () => {
  const [first, second, third] = [worker(), worker({ slot: 2 }), worker({ slot: 3 })]
  assert.equal(isStaffed({ size: 2 }, [first, second]), true)
  assert.equal(isStaffed({ size: 2 }, [first]), false)
  assert.equal(isStaffed({ size: 2 }, [first, { ...second, state: 'booting' }]), false)
  assert.equal(isStaffed({ size: 2 }, [first, second, third]), false)
  assert.equal(isStaffed({ size: 2 }, [first, second, { ...third, state: 'draining' }]), true)
})

void test('a stop retires whatever lives and forks nothing', () => {
  const workers = [worker(), worker({ state: 'booting' }), worker({ state: 'draining', deadline: 70 })]
  assert.deepEqual(plan(desire({ phase: 'stopping', size: 5 }), workers, always, 0), {
    actions: [{ type: 'retire', key: workers[0]?.key, mode: 'stop' }, { type: 'retire', key: workers[1]?.key, mode: 'stop' }],
    wakeAt: 70
  })
})

void test('a rollout is done when each slot has a proven worker of the new generation and no old one is left', () => {
  const wanted = desire({ size: 2, generation: 2 })
  const both = [worker({ generation: 2, readyAt: 10 }), worker({ slot: 2, generation: 2, readyAt: 50 })]
  assert.equal(isRolledOut(wanted, both, 149), false)
  assert.equal(nextProof(wanted, both, 0), 110)
  assert.equal(nextProof(wanted, both, 110), 150)
  assert.equal(isRolledOut(wanted, both, 150), true)
  assert.equal(isRolledOut(wanted, [...both, worker()], 150), false)
  assert.equal(isRolledOut(wanted, [...both, worker({ state: 'draining' })], 150), true)
  assert.equal(isRolledOut(wanted, both.slice(1), 150), false)
})

void test('spares are forked once every slot is served, kept at their number, and held back like any slot', () => {
  const wanted = desire({ size: 2, spares: 2 })
  const both = [worker(), worker({ slot: 2 })]
  assert.deepEqual(plan(wanted, [worker(), worker({ slot: 2, state: 'booting', readyAt: undefined })], always, 0).actions, [])
  assert.deepEqual(plan(wanted, both, always, 0).actions, [{ type: 'fork', slot: 0, generation: 1 }, { type: 'fork', slot: 0, generation: 1 }])
  assert.deepEqual(plan(wanted, [...both, worker({ slot: 0, state: 'booting', readyAt: undefined })], slot => slot === 0 ? 500 : 0, 499), { actions: [], wakeAt: 500 })
  const [first, second, third] = [spare(), spare({ state: 'booting' }), spare()]
  assert.deepEqual(plan(wanted, [...both, first, second, third], always, 0).actions, [{ type: 'retire', key: second.key, mode: 'retire' }])
})

void test('a spare that waits takes a slot where a worker would be forked: a lost one, a new one, a replacement', () => {
  const [first, second] = [spare(), spare()]
  const seat = (slot: number, key = first.key): Action => ({ type: 'seat', key, slot })
  assert.deepEqual(plan(desire({ size: 2, spares: 2 }), [worker(), first, second], always, 0).actions, [seat(2)])
  assert.deepEqual(plan(desire({ size: 3, spares: 2 }), [worker(), first, second], always, 0).actions, [seat(2), seat(3, second.key)])
  assert.deepEqual(plan(desire({ spares: 1 }), [worker({ dismissed: true }), first], always, 0).actions, [seat(1)])
  assert.deepEqual(plan(desire({ spares: 1 }), [first], () => 500, 499).actions, [])
  for (const unfit of [spare({ state: 'booting' }), spare({ state: 'draining' }), spare({ generation: 2 }), spare({ dismissed: true })]) {
    assert.deepEqual(plan(desire({ spares: 1 }), [unfit], always, 0).actions.find(({ type }) => type !== 'retire'), { type: 'fork', slot: 1, generation: 1 })
  }
})

void test('a reload and a stop end the spares, a new generation has its own once it serves, and one that hangs is killed', () => {
  const old = spare()
  assert.deepEqual(plan(desire({ spares: 1, generation: 2 }), [worker({ generation: 2 }), old], always, 0).actions, [{ type: 'retire', key: old.key, mode: 'retire' }, { type: 'fork', slot: 0, generation: 2 }])
  assert.deepEqual(plan(desire({ spares: 1, phase: 'stopping' }), [old], always, 0).actions, [{ type: 'retire', key: old.key, mode: 'stop' }])
  assert.deepEqual(plan(desire({ spares: 1 }), [worker(), { ...old, hung: true }], always, 0).actions, [{ type: 'kill', key: old.key, why: 'hang' }])
})

void test('a spare counts neither as slot nor as part of a rollout', () => {
  assert.equal(isStaffed({ size: 1 }, [worker(), spare()]), true)
  assert.equal(isStaffed({ size: 1 }, [spare()]), false)
  assert.equal(isRolledOut(desire({ generation: 2 }), [worker({ generation: 2 }), spare()], 100), true)
})

type Step =
  | { type: 'ready' | 'exit' | 'break' | 'dismiss', pick: number }
  | { type: 'scale', size: number }
  | { type: 'reload' | 'give-up' | 'wake' | 'stop' }
  | { type: 'pass', ms: number }

const pick = fc.nat(1_000)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('ready' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('exit' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('break' as const, 'dismiss' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('scale' as const), size: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('reload' as const, 'give-up' as const) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('wake' as const) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 150 }) }) }
)
const history = fc.record({
  size: fc.integer({ min: 1, max: 5 }),
  spares: fc.integer({ min: 0, max: 2 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  stableFor: fc.constantFrom(0, 50, 400),
  steps: fc.array(step, { maxLength: 60 }),
  stops: fc.boolean()
})

type Simulated = { -readonly [Key in keyof PlannedWorker]: PlannedWorker[Key] }
interface Cluster {
  now: number
  desired: Desired
  newest: number
  /** What a reload that runs would go back to. */
  previous: number | undefined
  wakeAt: number
  readonly workers: Map<number, Simulated>
  readonly notBefore: Map<number, number>
}

const isLive = ({ state }: PlannedWorker): boolean => state === 'booting' || state === 'spare' || state === 'ready'
const isFresh = (worker: PlannedWorker, { generation }: Desired): boolean => worker.generation >= generation && !worker.dismissed
const slotsOf = ({ size }: Desired): number[] => Array.from({ length: size }, (_, index) => index + 1)

function planNow (cluster: Cluster, now: number = cluster.now): Plan {
  return plan(cluster.desired, [...cluster.workers.values()], slot => cluster.notBefore.get(slot) ?? 0, now)
}

/** Acts on plans until one has nothing to do, as the supervisor does, checking each of them. */
function reconcile (cluster: Cluster): void {
  for (let round = 0; ; round++) {
    assert.ok(round < 10, 'plans never come to rest')
    const planned = planNow(cluster)
    checkPlan(cluster, planned)
    for (const action of planned.actions) act(cluster, action)
    if (planned.actions.length > 0) continue
    cluster.wakeAt = planned.wakeAt
    checkWake(cluster)
    return checkCluster(cluster)
  }
}

function act (cluster: Cluster, action: Action): void {
  if (action.type === 'fork') {
    const key = ++lastKey
    cluster.workers.set(key, { key, slot: action.slot, generation: action.generation, state: 'booting', deadline: cluster.now + BOOT_TIMEOUT, readyAt: undefined, dismissed: false, hung: false })
    return
  }
  const target = cluster.workers.get(action.key)
  assert.ok(target, 'an action concerns a worker that is there')
  if (action.type === 'seat') return void Object.assign(target, { state: 'booting', slot: action.slot, deadline: cluster.now + BOOT_TIMEOUT })
  if (action.type === 'kill') return void Object.assign(target, { state: 'killing', deadline: Infinity })
  Object.assign(target, { state: 'draining', deadline: cluster.now + DRAIN_TIMEOUT })
}

/** What holds for each plan on its own. */
function checkPlan ({ desired, workers, notBefore, now }: Cluster, { actions }: Plan): void {
  const forks = actions.filter(action => action.type === 'fork')
  const taken = actions.filter(action => action.type === 'fork' || action.type === 'seat').map(({ slot }) => slot).filter(slot => slot > 0)
  assert.equal(new Set(taken).size, taken.length, 'two workers into one slot')
  checkSeats(desired, workers, actions)
  for (const { slot, generation } of forks) {
    assert.equal(desired.phase, 'running', 'a fork while stopping')
    assert.ok(slot <= desired.size, 'a fork into a slot nobody wants')
    assert.ok(now >= (notBefore.get(slot) ?? 0), 'a fork that was held back')
    assert.equal(generation, desired.generation)
  }
  const retired = new Set(actions.filter(action => action.type === 'retire').map(({ key }) => key))
  for (const key of retired) {
    const gone = workers.get(key)
    assert.ok(gone !== undefined && isLive(gone), 'a retired worker is retired again')
    if (desired.phase === 'stopping' || gone.state !== 'ready' || gone.slot > desired.size) continue
    const stay = [...workers.values()].filter(other => other.slot === gone.slot && other.state === 'ready' && !retired.has(other.key))
    assert.ok(stay.length > 0, 'a worker that serves goes and leaves its slot without one that is ready')
    const proven = stay.some(other => isFresh(other, desired) && now >= (other.readyAt ?? Infinity) + desired.stableFor)
    assert.ok(isFresh(gone, desired) || proven, 'a worker goes before its replacement has proved itself')
  }
}

/** Who takes a slot waits for one, and once only. */
function checkSeats (desired: Desired, workers: ReadonlyMap<number, Simulated>, actions: readonly Action[]): void {
  const seats = actions.filter(action => action.type === 'seat')
  assert.equal(new Set(seats.map(({ key }) => key)).size, seats.length, 'one spare for two slots')
  for (const { key, slot } of seats) {
    const seated = workers.get(key)
    assert.ok(seated?.state === 'spare' && seated.generation === desired.generation && slot > 0 && slot <= desired.size)
  }
}

/** Nothing is to be done before the alarm, and something when it rings. */
function checkWake (cluster: Cluster): void {
  const { now, wakeAt } = cluster
  assert.ok(wakeAt > now, 'an alarm in the past')
  const before = wakeAt === Infinity ? now + 1e6 : (now + wakeAt) / 2
  assert.deepEqual(planNow(cluster, before).actions, [], 'something to do before the alarm')
  if (wakeAt < Infinity) assert.notDeepEqual(planNow(cluster, wakeAt).actions, [], 'an alarm for nothing')
}

/** What holds whenever the supervisor rests. */
function checkCluster ({ desired, workers }: Cluster): void {
  const live = [...workers.values()].filter(isLive)
  if (desired.phase === 'stopping') return assert.deepEqual(live, [], 'a live worker after a stop')
  assert.ok(live.every(({ slot }) => slot <= desired.size), 'a worker in a slot nobody wants')
  assert.ok(live.filter(({ slot }) => slot === 0).length <= desired.spares, 'more spares than wanted')
  const slots = slotsOf(desired).map(slot => live.filter(worker => worker.slot === slot))
  for (const there of slots) assert.ok(there.filter(worker => isFresh(worker, desired)).length <= 1, 'two workers of the wanted generation in one slot')
  const mixed = slots.filter(there => there.some(worker => isFresh(worker, desired)) && !there.every(worker => isFresh(worker, desired)))
  assert.ok(mixed.length <= desired.concurrency, 'more slots in replacement than allowed')
}

function apply (cluster: Cluster, step: Step): void {
  const { desired, workers } = cluster
  const choose = (wanted: (worker: Simulated) => boolean, at: number): Simulated | undefined => {
    const candidates = [...workers.values()].filter(wanted)
    return candidates[at % candidates.length]
  }
  switch (step.type) {
    case 'ready': return becomeReady(cluster, choose(({ state }) => state === 'booting', step.pick))
    case 'exit': return exit(cluster, choose(() => true, step.pick), step.pick)
    case 'break': return void Object.assign(choose(isLive, step.pick) ?? {}, { state: 'draining', deadline: cluster.now + DRAIN_TIMEOUT })
    case 'dismiss': return void Object.assign(choose(isLive, step.pick) ?? {}, { dismissed: true })
    case 'scale': cluster.desired = { ...desired, size: step.size }; return
    case 'reload':
      // The next one waits for it.
      if (cluster.previous !== undefined && !isRolledOut(desired, [...workers.values()], cluster.now)) return
      cluster.previous = desired.generation
      cluster.desired = { ...desired, generation: ++cluster.newest }
      return
    case 'give-up':
      cluster.desired = { ...desired, generation: cluster.previous ?? desired.generation }
      cluster.previous = undefined
      return
    case 'wake': if (cluster.wakeAt < Infinity) cluster.now = cluster.wakeAt; return
    // Never past the alarm: the supervisor would have looked then.
    case 'pass': cluster.now = Math.min(cluster.now + step.ms, cluster.wakeAt); return
    case 'stop': cluster.desired = { ...desired, phase: 'stopping' }; return
    default: step satisfies never
  }
}

function becomeReady ({ now }: Cluster, worker: Simulated | undefined): void {
  if (worker === undefined) return
  const isSpare = worker.slot === 0
  Object.assign(worker, { state: isSpare ? 'spare' : 'ready', deadline: Infinity, readyAt: isSpare ? undefined : now })
}

function exit ({ workers, notBefore, now }: Cluster, worker: Simulated | undefined, backoff: number): void {
  if (worker === undefined) return
  workers.delete(worker.key)
  if (isLive(worker)) notBefore.set(worker.slot, now + backoff)
}

/** From now on everything goes well: whoever boots becomes ready, whoever should go goes, and time passes. */
function settle (cluster: Cluster): void {
  for (let round = 0; round < 200; round++) {
    for (const worker of cluster.workers.values()) {
      if (worker.state === 'booting') becomeReady(cluster, worker)
      else if (!isLive(worker)) cluster.workers.delete(worker.key)
    }
    reconcile(cluster)
    if (cluster.wakeAt === Infinity && [...cluster.workers.values()].every(({ state }) => state === 'ready' || state === 'spare')) return
    cluster.now = Math.min(cluster.wakeAt, cluster.now + 50)
  }
  assert.fail('the cluster does not settle')
}

function live ({ size, spares, concurrency, stableFor, steps, stops }: typeof history extends fc.Arbitrary<infer Value> ? Value : never): Cluster {
  const cluster: Cluster = {
    now: 0,
    desired: { phase: 'running', size, spares, generation: 1, concurrency, stableFor, drainBy: Infinity },
    newest: 1,
    previous: undefined,
    wakeAt: Infinity,
    workers: new Map(),
    notBefore: new Map()
  }
  reconcile(cluster)
  for (const each of steps) {
    apply(cluster, each)
    reconcile(cluster)
  }
  if (stops) apply(cluster, { type: 'stop' })
  reconcile(cluster)
  return cluster
}

void test('over random histories: one new worker a slot, replacements within bounds, no slot loses its ready worker to a plan, no alarm is missed', () => {
  fc.assert(fc.property(history, story => { live(story) }), { numRuns: RUNS })
})

void test('after any history the cluster settles: each slot has one ready worker of the wanted generation, or nobody is left after a stop', () => {
  fc.assert(fc.property(history, story => {
    const cluster = live(story)
    settle(cluster)
    const workers = [...cluster.workers.values()]
    if (story.stops) return assert.deepEqual(workers, [])
    const spares = workers.filter(({ state }) => state === 'spare')
    assert.equal(spares.length, story.spares)
    assert.ok(spares.every(({ slot, generation }) => slot === 0 && generation === cluster.desired.generation))
    assert.deepEqual(workers.filter(worker => !spares.includes(worker)).map(({ slot }) => slot).toSorted((a, b) => a - b), slotsOf(cluster.desired))
    assert.ok(workers.every(worker => isFresh(worker, cluster.desired)))
    assert.ok(isRolledOut(cluster.desired, workers, cluster.now + cluster.desired.stableFor))
    assert.ok(nextProof(cluster.desired, workers, cluster.now) > cluster.now)
  }), {
    numRuns: RUNS,
    // A recycle, a reload that makes its replacement stale, another recycle, and no reload after all.
    examples: [[{ size: 2, spares: 0, concurrency: 1, stableFor: 0, steps: [{ type: 'dismiss', pick: 9 }, { type: 'reload' }, { type: 'dismiss', pick: 0 }, { type: 'give-up' }], stops: false }]]
  })
})
