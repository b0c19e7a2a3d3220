// Orders to a running cluster by signal: SIGHUP reloads, SIGTTIN and SIGTTOU add and take away a worker.
import { isatty } from 'node:tty'
import type { PrimaryLog } from './log.ts'
import type { Supervisor } from './supervision.ts'

const STDIN = 0

/**
 * Obeys until the returned function is called. Outcomes are logged where they happen.
 * Who sends a signal hears of no refusal, so what comes during the boot is done behind it: the first workers may serve already.
 */
export function obeyOrderSignals (supervisor: Pick<Supervisor, 'reload' | 'scale' | 'stats' | 'isUp' | 'whenUp'>, onTerminalClosed: () => void, log: PrimaryLog): () => void {
  // A terminal that closes signals its processes too: one of them has no terminal any more, which under nohup it never had.
  const onTerminal = isatty(STDIN)
  const order = (signal: NodeJS.Signals, carryOut: () => Promise<unknown>): void => {
    if (!supervisor.isUp()) log.info({ event: 'order-deferred', signal }, 'the cluster boots: the order is carried out once it is up')
    supervisor.whenUp().then(carryOut).catch(() => {})
  }
  const scaleBy = (change: number) => (): Promise<number> => supervisor.scale(Math.max(1, supervisor.stats().workers.wanted + change))
  const onSignal: Readonly<Partial<Record<NodeJS.Signals, () => void>>> = {
    SIGHUP () {
      if (onTerminal && !isatty(STDIN)) onTerminalClosed()
      else order('SIGHUP', supervisor.reload)
    },
    SIGTTIN: () => order('SIGTTIN', scaleBy(1)),
    SIGTTOU: () => order('SIGTTOU', scaleBy(-1))
  }
  for (const [signal, obey] of Object.entries(onSignal)) process.on(signal, obey)
  return () => {
    for (const [signal, obey] of Object.entries(onSignal)) process.off(signal, obey)
  }
}
