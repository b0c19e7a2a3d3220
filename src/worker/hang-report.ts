// Keeps a thread beside the app that writes a diagnostic report when the app's own thread is blocked, and ends the process where nobody else would: a blocked thread cannot be asked.
import { Worker } from 'node:worker_threads'
import { hangReportPath } from '../hang-report.ts'
import type { Activity } from '../protocol.ts'
import { isInspected } from './snapshots.ts'
import { watchMainThread } from './hang-thread.ts'
import type { WatchOrder } from './hang-thread.ts'

const ACTIVITY_KEY = 'fastify-clusterize.activity'
// The report must be there when the primary loses patience; so much earlier, in ms, and never more than this share.
const HEAD_START = 2_000
const SHARE_OF_HEAD_START = 0.25
// Of that, what a busy machine may take to stop the thread, before it counts as not to be stopped.
const SHARE_OF_STOPPING = 0.75
const LOOKS = 20
const LONGEST_INTERVAL = 1_000
// Its heap, in MiB, for the report of a large app too.
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 }

/** Never keeps the process alive. Where threads or the inspector are not available there is no report. */
export function reportHangs (hangTimeout: number, beatInterval: number, activity: () => Activity): void {
  if (!process.features.inspector) return
  const heart = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  Reflect.set(globalThis, Symbol.for(ACTIVITY_KEY), activity)
  // As the primary counts it: a report is due once an interval.
  const limit = Math.max(hangTimeout, 2 * beatInterval)
  const headStart = Math.min(HEAD_START, limit * SHARE_OF_HEAD_START)
  const workerData: WatchOrder = {
    heart,
    path: hangReportPath(process.pid),
    parent: process.ppid,
    patience: limit - headStart,
    nativePatience: headStart * SHARE_OF_STOPPING,
    interval: Math.min(LONGEST_INTERVAL, limit / LOOKS),
    activityKey: ACTIVITY_KEY
  }
  try {
    // Some loaders wrap each function in a call of `__name`.
    const thread = new Worker(`const __name = value => value; (${watchMainThread.toString()})()`, { eval: true, workerData, execArgv: [], env: {}, resourceLimits: LIMITS, name: 'hang-report' })
    // Without the thread there is no report, and that is all.
    thread.on('error', () => {})
    thread.unref()
  } catch {
    return
  }
  setInterval(() => {
    Atomics.store(heart, 1, Number(isInspected()))
    Atomics.add(heart, 0, 1)
  }, beatInterval).unref()
}
