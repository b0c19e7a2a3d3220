// A model of one process: requests come at random, and each turn of the event loop handles all that were ready when it began.
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
  /** Time it takes to say no, in ms. */
  readonly shedCost?: number
  readonly priority?: () => Priority
  /** Answers later than this are of no use, in ms. */
  readonly deadline?: number
}

export interface Answer {
  readonly came: number
  readonly answered: number
  readonly priority: Priority
  readonly served: boolean
}

/** `decide` is made once the clock exists. */
export function simulateLoop (model: LoopModel, createDecide: (clock: LoopClock) => (priority: Priority) => string | undefined): Answer[] {
  const { random, rate, until, service, shedCost = 0.035, priority = thirds(random) } = model
  let now = 0
  let idle = 0
  let turns = 0
  const turnEnds: Array<() => void> = []
  const decide = createDecide({ now: () => now, idleTime: () => idle, turns: () => turns, atTurnEnd: callback => turnEnds.push(callback) })
  const answers: Answer[] = []
  let next = 0
  const advance = (): void => { next += -Math.log(1 - random()) * 1000 / rate(next) }
  advance()
  while (next < until) {
    if (next > now) {
      idle += next - now
      now = next
    }
    turns++
    const ready: number[] = []
    for (; next <= now; advance()) ready.push(next)
    for (const came of ready) {
      const of = priority()
      const served = decide(of) === undefined
      now += served ? service(now) : shedCost
      answers.push({ came, answered: now, priority: of, served })
    }
    for (const callback of turnEnds.splice(0)) callback()
  }
  return answers
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
    useful.filter(({ answered }) => Math.floor((answered - from) / 1000) === second).length / capacity)
  return {
    goodput: useful.length / (until - from) * 1000 / capacity,
    p50: delays[Math.floor(delays.length / 2)] ?? NaN,
    p99: delays[Math.floor(delays.length * 0.99)] ?? NaN,
    success: { critical: success('critical'), normal: success('normal'), sheddable: success('sheddable') },
    seconds
  }
}
