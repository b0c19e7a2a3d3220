// Runs the user's check at regular times, one at a time, and knows how the last one ended.
import type { FastifyInstance } from 'fastify'
import type { HealthCheckOptions } from '../options/health-types.ts'
import type { Health } from '../snapshot.ts'

export const UNCHECKED: Health = { state: 'unchecked', failures: 0, reason: null }

/** Begins at once. Ends with `signal`, and never keeps the process alive. */
export function startHealthCheck (app: FastifyInstance, { check, interval, timeout }: Readonly<Required<HealthCheckOptions>>, signal: AbortSignal): () => Health {
  let health = UNCHECKED
  let pending: 'none' | 'in-time' | 'late' = 'none'
  const fail = (reason: string): void => { health = { state: 'unhealthy', failures: health.failures + 1, reason } }

  const look = async (): Promise<void> => {
    // A check that hangs is not begun a second time: it fails again each time a new one would be due.
    if (pending === 'late') return fail(`it has not ended within ${timeout} ms`)
    if (pending === 'in-time') return
    pending = 'in-time'
    const timer = setTimeout(() => {
      pending = 'late'
      fail(`it has not ended within ${timeout} ms`)
    }, timeout).unref()
    const reason = await outcome(app, check)
    clearTimeout(timer)
    if (pending === 'in-time') {
      if (reason === undefined) health = { state: 'healthy', failures: 0, reason: null }
      else fail(reason)
    }
    pending = 'none'
  }

  const timer = setInterval(() => { void look() }, interval).unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  void look()
  return () => health
}

/** Why the app is unhealthy, or undefined. */
async function outcome (app: FastifyInstance, check: HealthCheckOptions['check']): Promise<string | undefined> {
  try {
    return await check(app) === false ? 'it said false' : undefined
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`
  }
}
