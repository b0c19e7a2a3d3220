// Writes V8's compile cache once the app is loaded, so that the next worker boots from it.
import module from 'node:module'

/** Node 22.10 and later; elsewhere the cache is written at exit or there is none. */
export function flushCompileCache (): void {
  const { flushCompileCache: flush } = module as typeof module & { flushCompileCache?: () => void }
  flush?.()
}
