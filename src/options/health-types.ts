// The option `healthCheck`.
import type { FastifyInstance } from 'fastify'

/** Says `false`, throws or rejects where the app is not fit to serve; anything else is good health. */
export type HealthCheck = (app: FastifyInstance) => unknown

/** The app's own check, run in each worker. */
export interface HealthCheckOptions {
  check: HealthCheck
  /**
   * From the start of one check to the start of the next, in ms.
   * @default 5000
   */
  interval?: number
  /**
   * How long a check may take, in ms; past it the worker is unhealthy.
   * @default 2000
   */
  timeout?: number
  /**
   * After so many failures in a row the worker is replaced.
   * @default 3
   */
  failures?: number
}

export const HEALTH_DEFAULTS: Readonly<Required<Omit<HealthCheckOptions, 'check'>>> = Object.freeze({ interval: 5_000, timeout: 2_000, failures: 3 })
