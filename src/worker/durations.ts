// Records how long requests took, by route and class of status. A request costs three entries in a list; they are counted together, a list at a time.
import type { FastifyReply } from 'fastify'
import { DURATION_BUCKETS, OTHER_ROUTES, stepOf, STEPS } from '../measurements.ts'
import type { DurationSeries, Measurements } from '../measurements.ts'
import { routeConfig } from '../route-config.ts'

type RouteConfig = ReturnType<typeof routeConfig>

/** Routes told apart; those beyond count together. */
const MAX_ROUTES = 1_000
const NO_ROUTE = { method: '', route: '' }
const CLASSES = 5
const LIST = 2_048

interface RouteTimes {
  readonly method: string
  readonly route: string
  /** By class of status; undefined until one comes. */
  readonly classes: Array<Times | undefined>
}

interface Times { readonly counts: number[], sum: number }

export interface Durations {
  readonly record: (reply: FastifyReply, ms: number) => void
  /** What came since the last call. */
  readonly take: () => Measurements
}

export function createDurations (): Durations {
  const listed = { length: 0, times: new Float64Array(LIST), statuses: new Uint16Array(LIST), configs: Array.from<RouteConfig | undefined>({ length: LIST }) }
  // By the route's config, which is one object for each route.
  const routes = new Map<RouteConfig, RouteTimes>()
  const unknown = timesOf(NO_ROUTE)
  const others = timesOf(OTHER_ROUTES)
  const steps = new Uint32Array(STEPS)

  function routeOf (config: RouteConfig): RouteTimes {
    const known = routes.get(config)
    if (known !== undefined) return known
    // Fastify's type does not say so, but the route of an unknown URL has none.
    if ((config.url as string | undefined) === undefined) return unknown
    if (routes.size >= MAX_ROUTES) return others
    const added = timesOf({ method: [config.method].flat().join(','), route: config.url })
    routes.set(config, added)
    return added
  }

  function countListed (): void {
    for (let index = 0; index < listed.length; index++) {
      const config = listed.configs[index]
      if (config === undefined) continue
      listed.configs[index] = undefined
      countOne(routeOf(config), listed.statuses[index] ?? 0, listed.times[index] ?? 0)
    }
    listed.length = 0
  }

  function countOne ({ classes }: RouteTimes, status: number, ms: number): void {
    const times = classes[Math.min(CLASSES, Math.trunc(status / 100)) - 1] ??= noTimes()
    const bucket = bucketOf(ms / 1000)
    times.counts[bucket] = (times.counts[bucket] ?? 0) + 1
    times.sum += ms / 1000
    const step = stepOf(ms)
    steps[step] = (steps[step] ?? 0) + 1
  }

  return {
    record (reply, ms) {
      const at = listed.length++
      listed.times[at] = ms
      listed.statuses[at] = reply.raw.statusCode
      listed.configs[at] = routeConfig(reply.request)
      if (listed.length === LIST) countListed()
    },
    take () {
      countListed()
      const taken = { durations: [unknown, others, ...routes.values()].flatMap(takeRoute), steps: [...steps].flatMap((count, step) => count === 0 ? [] : [[step, count] as const]) }
      steps.fill(0)
      return taken
    }
  }
}

function timesOf ({ method, route }: Pick<RouteTimes, 'method' | 'route'>): RouteTimes {
  return { method, route, classes: [] }
}

function noTimes (): Times {
  return { counts: Array.from({ length: DURATION_BUCKETS.length + 1 }, () => 0), sum: 0 }
}

function takeRoute ({ method, route, classes }: RouteTimes): DurationSeries[] {
  return classes.splice(0).flatMap((times, index) => times === undefined ? [] : [{ method, route, status: `${index + 1}xx`, ...times }])
}

function bucketOf (seconds: number): number {
  let bucket = 0
  while (bucket < DURATION_BUCKETS.length && seconds > (DURATION_BUCKETS[bucket] ?? 0)) bucket++
  return bucket
}
