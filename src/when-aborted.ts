// Acts once a signal aborts, or at once where it has already: an AbortSignal does not repeat itself.

export function whenAborted (signal: AbortSignal | undefined, act: () => void): void {
  if (signal?.aborted === true) act()
  else signal?.addEventListener('abort', act, { once: true })
}
