// A model of one process: requests come at random, and each turn of the event loop handles all that were ready when it began.
import { createShedder } from '../../../src/shedding/shedder.ts'
import type { Shedder } from '../../../src/shedding/shedder.ts'
import type { LoopClock } from '../../../src/shedding/turn-clock.ts'
import type { Priority } from '../../../src/shedding/priorities.ts'

export interface LoopModel {
  readonly random: () => number
  /** Requests a second at a time in ms. */
  readonly rate: (now: number) => number
  /** In ms. */
  readonly until: number
  /** Time the handler of one request keeps the loop, in ms. */
  readonly service: (now: number) => number
  /** The time of a handler comes so many ms after it was called, as if it had waited for a database; 0: at once. */
  readonly later?: () => number
  /** Each turn of the loop does so much else besides, in ms, as a batch job does that yields in between. */
  readonly foreign?: (now: number) => number
  /** How long a client waits to be served before it leaves, in ms. */
  readonly patience?: () => number
  /** Time it takes to say no, in ms. */
  readonly shedCost?: number
  readonly priority?: () => Priority
  /** False: everything is served in the order in which it came. */
  readonly maxQueueDelay?: number | false
}

export interface Answer {
  readonly came: number
  readonly answered: number
  readonly priority: Priority
  readonly served: boolean
}

interface Request { readonly came: number, readonly priority: Priority, readonly leavesAt: number }

/** Who waits when all has come is served before it ends; who leaves has no answer. */
export function simulateLoop ({ random, rate, until, service, later = () => 0, foreign = () => 0, patience = () => Infinity, shedCost = 0.035, priority = thirds(random), maxQueueDelay = 100 }: LoopModel): Answer[] {
  const clock = createFakeLoop()
  const answers: Answer[] = []
  const resumed: Array<{ at: number, request: Request }> = []
  const gone = new Set<Request>()
  let [next, came] = [0, 0]

  function answer (request: Request, served: boolean): void {
    clock.work(served ? service(clock.now()) : shedCost)
    if (served) shedder.finished(NaN)
    answers.push({ ...request, answered: clock.now(), served })
  }

  function serve (request: Request): void {
    const ms = later()
    if (ms === 0) answer(request, true)
    else {
      resumed.push({ at: clock.now() + ms, request })
      resumed.sort((a, b) => a.at - b.at)
    }
  }

  function isGone (request: Request): boolean {
    if (clock.now() > request.leavesAt) gone.add(request)
    return gone.has(request)
  }

  const shedder: Shedder<Request> = createShedder<Request>({ maxQueueDelay, clock, random, waiters: { isGone, serve, refuse: request => answer(request, false) } })
  const advance = (): void => { next += -Math.log(1 - random()) * 1000 / rate(next) }
  advance()
  for (; next < until || answers.length + gone.size < came; clock.endTurn()) {
    clock.work(foreign(clock.now()))
    shedder.left()
    clock.sleepUntil(Math.min(next < until ? next : Infinity, resumed[0]?.at ?? Infinity))
    clock.runTimers()
    const began = clock.now()
    while ((resumed[0]?.at ?? Infinity) <= began) {
      const one = resumed.shift()
      if (one !== undefined) answer(one.request, true)
    }
    for (; next <= began && next < until; advance()) {
      came++
      const request = { came: next, priority: priority(), leavesAt: next + patience() }
      const admission = shedder.admit(request, () => request.priority)
      if (admission === 'wait') shedder.wait(request)
      else if (admission === 'serve') serve(request)
      else answer(request, false)
    }
  }
  return answers
}

export interface FakeLoop extends LoopClock {
  readonly work: (ms: number) => void
  /** Or until the next timer. Does nothing where the time has come, or the turn's end was asked for. */
  readonly sleepUntil: (at: number) => void
  readonly runTimers: () => void
  readonly endTurn: () => void
}

export function createFakeLoop (): FakeLoop {
  let [now, idle, turns] = [0, 0, 0]
  let callbacks: Array<() => void> = []
  let timers: Array<{ at: number, callback: () => void }> = []
  return {
    now: () => now,
    idleTime: () => idle,
    turns: () => turns,
    atTurnEnd (callback) { callbacks.push(callback) },
    work (ms) { now += ms },
    after (ms, callback) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return () => { timers = timers.filter(other => other !== timer) }
    },
    sleepUntil (wanted) {
      const at = Math.min(wanted, ...timers.map(timer => timer.at))
      if (callbacks.length > 0 || at <= now) return
      idle += at - now
      now = at
    },
    runTimers () {
      const due = timers.filter(({ at }) => at <= now)
      timers = timers.filter(({ at }) => at > now)
      for (const { callback } of due) callback()
    },
    endTurn () {
      const due = callbacks
      callbacks = []
      for (const callback of due) callback()
      turns++
    }
  }
}

export function thirds (random: () => number): () => Priority {
  return () => {
    const at = random() * 3
    return at < 1 ? 'critical' : at < 2 ? 'normal' : 'sheddable'
  }
}

export interface Summary {
  /** Useful answers as a share of what the loop could do. */
  readonly goodput: number
  readonly p50: number
  readonly p99: number
  /** Share of the requests of each priority answered in time. */
  readonly success: Record<Priority, number>
  /** Goodput of each second, relative to capacity. */
  readonly seconds: number[]
}

export function summarize (answers: readonly Answer[], { capacity, from, until, deadline = 500 }: { capacity: number, from: number, until: number, deadline?: number }): Summary {
  const inside = answers.filter(({ came }) => came >= from && came < until)
  const useful = inside.filter(({ served, came, answered }) => served && answered - came <= deadline)
  const delays = inside.filter(({ served }) => served).map(({ came, answered }) => answered - came).toSorted((a, b) => a - b)
  const success = (of: Priority): number => useful.filter(({ priority }) => priority === of).length / inside.filter(({ priority }) => priority === of).length
  const seconds = Array.from({ length: Math.floor((until - from) / 1000) }, (_, second) =>
    answers.filter(({ served, came, answered }) => served && answered - came <= deadline && Math.floor((answered - from) / 1000) === second).length / capacity)
  return {
    goodput: useful.length / (until - from) * 1000 / capacity,
    p50: delays[Math.floor(delays.length / 2)] ?? NaN,
    p99: delays[Math.floor(delays.length * 0.99)] ?? NaN,
    success: { critical: success('critical'), normal: success('normal'), sheddable: success('sheddable') },
    seconds
  }
}
