// Prints metrics in Prometheus' text format, by `prom-client`, which is loaded at the first request for them.
import type * as prom from 'prom-client'
import { NoPromClientError } from '../../errors.ts'
import type { AppMetric } from '../../measurements.ts'

export interface Page { readonly contentType: string, readonly text: string }

type PromClient = typeof prom

/**
 * Sums the lists up, each metric by its own aggregator.
 *
 * @throws FST_CLUSTERIZE_NO_PROM_CLIENT
 */
export async function printMetrics (lists: ReadonlyArray<readonly AppMetric[]>): Promise<Page> {
  const { AggregatorRegistry } = await load()
  const registry = AggregatorRegistry.aggregate(lists.filter(list => list.length > 0) as unknown as Parameters<PromClient['AggregatorRegistry']['aggregate']>[0])
  return { contentType: registry.contentType, text: await registry.metrics() }
}

async function load (): Promise<PromClient> {
  try {
    const loaded = await import('prom-client') as PromClient & { default?: PromClient }
    return loaded.default ?? loaded
  } catch (cause) {
    throw new NoPromClientError({ cause })
  }
}
