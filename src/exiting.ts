// Tells an error at the exit from one before it: what a listener of the app's for 'exit' throws breaks the exit off, and the listeners behind it never run.

let state: 'unwatched' | 'running' | 'exiting' = 'unwatched'

/** From now on, for all who ask in this process: whether it has begun to exit. `process.exit` ends it then without another listener. */
export function watchExit (): () => boolean {
  if (state === 'unwatched') {
    state = 'running'
    process.prependOnceListener('exit', () => { state = 'exiting' })
  }
  return () => state === 'exiting'
}
