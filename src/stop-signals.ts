// How a process is told to stop: the first signal asks, a second one insists.

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const
// npm and some shells pass a Ctrl-C on to a child that has had it from the terminal already; two within this time, in ms, are one.
const SAME_PRESS = 300

export interface SignalHandlers {
  readonly onStop: (signal: NodeJS.Signals) => void
  readonly onInsist: (signal: NodeJS.Signals) => void
}

/** Listens until the returned function is called. */
export function listenToSignals ({ onStop, onInsist }: SignalHandlers, now: () => number = () => performance.now()): () => void {
  let firstAt: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = now()
      onStop(signal)
    } else if (now() - firstAt > SAME_PRESS) {
      onInsist(signal)
    }
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal)
  }
}
