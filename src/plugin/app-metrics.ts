// Reads the metrics of the app's own registries as plain data that can travel.
import type { FastifyInstance } from 'fastify'
import type { AppMetric } from '../measurements.ts'
import type { AppRegistry } from '../options/plugin-types.ts'

/** A registry that fails is told of in the app's log, and costs only its own metrics. */
export async function collectMetrics (app: FastifyInstance, registries: readonly AppRegistry[]): Promise<AppMetric[]> {
  const collected = await Promise.all(registries.map(async registry => {
    try {
      const metrics = await registry.getMetricsAsJSON() as AppMetric[]
      return metrics.map(withFiniteValues)
    } catch (err) {
      app.log.warn({ err }, 'a registry of metrics failed')
      return []
    }
  }))
  return collected.flat()
}

/** JSON has no NaN and no Infinity. */
function withFiniteValues ({ name, help, type, aggregator, values }: AppMetric): AppMetric {
  return { name, help, type, aggregator, values: values.filter(({ value }) => Number.isFinite(value)).map(({ value, labels, metricName }) => ({ value, labels, ...metricName === undefined ? {} : { metricName } })) }
}
