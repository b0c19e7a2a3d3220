// Orders to a running cluster by signal: SIGHUP reloads, SIGTTIN and SIGTTOU add and take away a worker.
import type { Supervisor } from './supervision.ts'

/** Obeys until the returned function is called. Outcomes are logged where they happen. */
export function obeyOrderSignals (supervisor: Pick<Supervisor, 'reload' | 'scale' | 'stats'>): () => void {
  const scaleBy = (change: number): void => {
    const { wanted } = supervisor.stats().workers
    supervisor.scale(Math.max(1, wanted + change)).catch(() => {})
  }
  const orders: ReadonlyArray<readonly [NodeJS.Signals, () => void]> = [
    ['SIGHUP', () => { supervisor.reload().catch(() => {}) }],
    ['SIGTTIN', () => scaleBy(1)],
    ['SIGTTOU', () => scaleBy(-1)]
  ]
  for (const [signal, obey] of orders) process.on(signal, obey)
  return () => {
    for (const [signal, obey] of orders) process.off(signal, obey)
  }
}
