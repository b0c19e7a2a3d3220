// Orders to a running cluster by signal: SIGHUP reloads.
import type { Supervisor } from './supervisor.ts'

/** Obeys until the returned function is called. Outcomes are logged where they happen. */
export function obeyOrderSignals (supervisor: Pick<Supervisor, 'reload'>): () => void {
  const onReload = (): void => { supervisor.reload().catch(() => {}) }
  process.on('SIGHUP', onReload)
  return () => { process.off('SIGHUP', onReload) }
}
