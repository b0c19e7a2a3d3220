// Keeps the metrics of the apps so that their counters never go backwards: what a worker that has ended had counted stays.
import type { AppMetric } from '../../measurements.ts'
import type { Reporter } from '../cluster.ts'
import { PREFIX } from './metric.ts'

export interface AppMetrics {
  /** The latest from one worker. */
  readonly tell: (reporter: Reporter, metrics: readonly AppMetric[]) => void
  /** To be summed: one list for each worker, and one for those that have ended. */
  readonly all: () => ReadonlyArray<readonly AppMetric[]>
}

/** Last words may be read a little after the end; only then is a worker's account closed, in ms. */
const LAST_WORDS = 5_000

interface Account { metrics: readonly AppMetric[], goneAt: number | undefined }

export function createAppMetrics (now: () => number = () => performance.now()): AppMetrics {
  const accounts = new Map<Reporter, Account>()
  const closed = new WeakSet<Reporter>()
  let ended: readonly AppMetric[] = []

  function closeAccounts (): void {
    for (const [reporter, account] of accounts) {
      if (!reporter.isGone()) continue
      account.goneAt ??= now()
      if (now() - account.goneAt < LAST_WORDS) continue
      accounts.delete(reporter)
      closed.add(reporter)
      ended = add(ended, account.metrics.flatMap(lasting))
    }
  }

  return {
    tell (reporter, metrics) {
      closeAccounts()
      if (closed.has(reporter)) return
      const account = accounts.get(reporter) ?? { metrics: [], goneAt: undefined }
      account.metrics = metrics.filter(({ name }) => !name.startsWith(PREFIX))
      accounts.set(reporter, account)
    },
    all () {
      closeAccounts()
      return [ended, ...[...accounts].map(([reporter, { metrics }]) => reporter.isGone() ? metrics.flatMap(lasting) : metrics)]
    }
  }
}

/** What counts up: not gauges, nor the quantiles of a summary. */
function lasting (metric: AppMetric): AppMetric[] {
  if (metric.type === 'counter' || metric.type === 'histogram') return [metric]
  if (metric.type !== 'summary') return []
  return [{ ...metric, values: metric.values.filter(({ metricName }) => metricName !== undefined && metricName !== metric.name) }]
}

function add (base: readonly AppMetric[], more: readonly AppMetric[]): AppMetric[] {
  const sums = new Map(base.map(metric => [metric.name, metric]))
  for (const metric of more) {
    const before = sums.get(metric.name)
    sums.set(metric.name, before === undefined ? metric : { ...metric, values: addValues(before.values, metric.values) })
  }
  return [...sums.values()]
}

type Values = AppMetric['values']

function addValues (base: Values, more: Values): Values {
  const keyOf = ({ metricName, labels }: Values[number]): string => JSON.stringify([metricName, Object.entries(labels).toSorted(([a], [b]) => a < b ? -1 : 1)])
  const sums = new Map(base.map(value => [keyOf(value), value]))
  for (const value of more) {
    const before = sums.get(keyOf(value))
    sums.set(keyOf(value), before === undefined ? value : { ...value, value: before.value + value.value })
  }
  return [...sums.values()]
}
