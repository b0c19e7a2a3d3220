// How a process is told to stop: the first signal asks, SIGQUIT asks for haste, a second one insists.

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT']
// npm and some shells pass a Ctrl-C on to a child that has had it from the terminal already; two within this time, in ms, are one.
const SAME_PRESS = 300

export interface SignalHandlers {
  readonly onStop: (signal: NodeJS.Signals) => void
  /** SIGQUIT, as the first signal or after a slower one. */
  readonly onHurry: (signal: NodeJS.Signals) => void
  readonly onInsist: (signal: NodeJS.Signals) => void
}

/** Listens until the returned function is called. */
export function listenToSignals ({ onStop, onHurry, onInsist }: SignalHandlers, signals: readonly NodeJS.Signals[] = STOP_SIGNALS, now: () => number = () => performance.now()): () => void {
  let state: 'running' | 'stopping' | 'hurrying' = 'running'
  let lastAt = -Infinity
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGQUIT' ? state !== 'hurrying' : state === 'running') {
      state = signal === 'SIGQUIT' ? 'hurrying' : 'stopping'
      lastAt = now()
      if (state === 'hurrying') onHurry(signal)
      else onStop(signal)
    } else if (now() - lastAt > SAME_PRESS) {
      onInsist(signal)
    }
  }
  for (const signal of signals) process.on(signal, onSignal)
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
