// Orders to a running cluster by signal: SIGHUP reloads, SIGTTIN and SIGTTOU add and take away a worker.
import { isatty } from 'node:tty'
import type { Supervisor } from './supervision.ts'

const STDIN = 0

/** Obeys until the returned function is called. Outcomes are logged where they happen. */
export function obeyOrderSignals (supervisor: Pick<Supervisor, 'reload' | 'scale' | 'stats'>, onTerminalClosed: () => void): () => void {
  // A terminal that closes signals its processes too: one of them has no terminal any more, which under nohup it never had.
  const onTerminal = isatty(STDIN)
  const onHangup = (): void => {
    if (onTerminal && !isatty(STDIN)) onTerminalClosed()
    else supervisor.reload().catch(() => {})
  }
  const scaleBy = (change: number): void => {
    const { wanted } = supervisor.stats().workers
    supervisor.scale(Math.max(1, wanted + change)).catch(() => {})
  }
  const orders: ReadonlyArray<readonly [NodeJS.Signals, () => void]> = [
    ['SIGHUP', onHangup],
    ['SIGTTIN', () => scaleBy(1)],
    ['SIGTTOU', () => scaleBy(-1)]
  ]
  for (const [signal, obey] of orders) process.on(signal, obey)
  return () => {
    for (const [signal, obey] of orders) process.off(signal, obey)
  }
}
