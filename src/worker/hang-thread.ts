// What a worker's watching thread runs: when the main thread's heart stands still it stops that thread like a debugger, and writes down where.
import type { Session as InspectorSession } from 'node:inspector'

export interface WatchOrder {
  /** Beats of the main thread, and whether a debugger may hold it. */
  readonly heart: Int32Array
  readonly path: string
  /** The primary's process id. */
  readonly parent: number
  /** Standstill after which it reports, and how often it looks, in ms. */
  readonly patience: number
  readonly interval: number
  /** How long it may take to stop the main thread, in ms; after that it is in native code, or stopped already. */
  readonly nativePatience: number
  /** The key in the registry of symbols under which the main thread keeps a function that tells what it is doing. */
  readonly activityKey: string
}

/** Runs in the thread as its own source text, so that no loader of the app is needed there: it must not refer to anything outside. */
export function watchMainThread (): void {
  const { rmSync, writeFileSync } = process.getBuiltinModule('node:fs')
  const { Session } = process.getBuiltinModule('node:inspector')
  const { workerData } = process.getBuiltinModule('node:worker_threads')
  const { heart, path, parent, patience, nativePatience, interval, activityKey } = workerData as WatchOrder
  let beats = -1
  let silence = 0
  let lookedAt = performance.now()
  let reported = false

  // Of a process that had this pid before.
  rmSync(path, { force: true })
  setInterval(() => {
    const now = performance.now()
    // A process that was stopped as a whole did not watch either.
    silence += Math.min(now - lookedAt, 2 * interval)
    lookedAt = now
    const beat = Atomics.load(heart, 0)
    if (beat !== beats) {
      beats = beat
      silence = 0
      // It recovered: nobody will ask for the report.
      if (reported) rmSync(path, { force: true })
      reported = false
    } else if (silence >= patience && Atomics.load(heart, 1) === 0) {
      // With the primary gone nobody else ends this process, and a blocked thread does not notice.
      if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
      if (!reported) report()
      reported = true
    }
  }, interval)

  function report (): void {
    const session: InspectorSession = new Session()
    session.connectToMainThread()
    const urls = new Map<string, string>()
    const timer = setTimeout(() => finish({ stack: 'the main thread is in native code, or stopped' }), nativePatience)
    const finish = (found: object): void => {
      clearTimeout(timer)
      session.disconnect()
      // It went on before it could be stopped: what was found is of no hang, and must not be taken for that of the next.
      if (Atomics.load(heart, 0) !== beats) return
      // Never through a link that somebody laid there.
      rmSync(path, { force: true })
      writeFileSync(path, JSON.stringify({ pid: process.pid, ...found }, null, 2), { mode: 0o600, flag: 'wx' })
    }
    session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => { urls.set(scriptId, url) })
    session.once('Debugger.paused', ({ params: { callFrames } }) => {
      const stack = callFrames.map(({ functionName, location }) => `at ${functionName || '<anonymous>'} (${urls.get(location.scriptId)}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`)
      // Node would look the name of each peer up, and block for as long as that takes.
      const expression = `process.report.excludeNetwork = true; JSON.stringify({ activity: globalThis[Symbol.for(${JSON.stringify(activityKey)})]?.(), report: process.report.getReport() })`
      session.post('Runtime.evaluate', { expression, returnByValue: true }, (error, answer) => {
        const value: unknown = error === null ? answer.result.value : undefined
        const { activity, report: nodes } = JSON.parse(typeof value === 'string' ? value : '{}') as { activity?: object, report?: { environmentVariables?: object } }
        // Secrets live there.
        delete nodes?.environmentVariables
        finish({ stack, activity, report: nodes })
      })
    })
    session.post('Debugger.enable')
    session.post('Debugger.pause')
  }
}
