// Puts the worker's id on each log line of an app whose logger is pino's.
import type { FastifyBaseLogger } from 'fastify'
import type { WorkerIdentity } from '../worker-info.ts'

const labelled = new WeakSet<object>()

/** Adds to the logger in place (`setBindings`), because request loggers are children of the one Fastify was created with; other loggers stay as they are. */
export function labelLog (log: FastifyBaseLogger, { info, whenSeated }: WorkerIdentity): void {
  if (labelled.has(log) || !('setBindings' in log) || typeof log.setBindings !== 'function') return
  labelled.add(log)
  const label = log as typeof log & { setBindings: (bindings: object) => void }
  whenSeated(() => label.setBindings({ worker: info.id }))
}
