// Tells the service manager how this service does, with the words of sd_notify(3).
import { spawn } from 'node:child_process'
import type { NotifyRequest } from './service-manager.ts'

/** Each returns at once; the words go out in the order in which they were said. */
export interface ServiceNotifier {
  /** The service is up, or up again after a reload. From now on the watchdog hears of it too. */
  readonly ready: (status: string) => void
  readonly reloading: (status: string) => void
  readonly stopping: (status: string) => void
  readonly status: (status: string) => void
  /** Nothing is said any more. */
  readonly end: () => void
}

export interface NotifierParts {
  /** Whether the watchdog may hear that the service lives. */
  readonly isAlive: () => boolean
  /** Told once when nothing can be said, and why. */
  readonly onFailure: (error: Error) => void
}

type Words = Readonly<Record<string, string>>

// Node has no datagram sockets of the Unix kind, so systemd's own tool speaks for us. It also knows abstract sockets.
const TOOL = 'systemd-notify'
// What one saying may take, in ms: a manager that does not listen must not keep the next ones waiting for ever.
const PATIENCE = 10_000
const SILENT: ServiceNotifier = { ready () {}, reloading () {}, stopping () {}, status () {}, end () {} }

export function createServiceNotifier (request: NotifyRequest | undefined, { isAlive, onFailure }: NotifierParts): ServiceNotifier {
  if (request === undefined) return SILENT
  const { environment, watchdog } = request
  let last = Promise.resolve()
  let unsaid = 0
  let complaints = 0
  let heartbeat: NodeJS.Timeout | undefined

  const say = (words: Words): void => {
    unsaid++
    last = last.then(() => runTool(words, environment)).catch((error: Error) => {
      if (++complaints === 1) onFailure(error)
    }).finally(() => { unsaid-- })
  }
  const startHeartbeat = (): void => {
    // Twice a period, as sd_watchdog_enabled(3) advises. Where saying it takes longer than that, what is more than a sign of life must not wait behind many of them.
    if (watchdog !== undefined) heartbeat ??= setInterval(() => { if (unsaid === 0 && isAlive()) say({ WATCHDOG: '1' }) }, watchdog / 2).unref()
  }

  return {
    ready (status) {
      say({ READY: '1', STATUS: status })
      startHeartbeat()
    },
    reloading: status => say({ RELOADING: '1', MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n), STATUS: status }),
    stopping: status => say({ STOPPING: '1', STATUS: status }),
    status: status => say({ STATUS: status }),
    end: () => clearInterval(heartbeat)
  }
}

/** It names the process that starts it as the sender where it may; where it may not, the unit's NotifyAccess=all lets it speak. */
function runTool (words: Words, environment: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const tool = spawn(TOOL, Object.entries(words).map(([name, value]) => `${name}=${value}`), { env: environment, stdio: ['ignore', 'ignore', 'pipe'], timeout: PATIENCE })
    let complaint = ''
    tool.stderr.setEncoding('utf8').on('data', (text: string) => { complaint += text })
    tool.on('error', reject)
    tool.on('close', code => {
      if (code === 0) resolve()
      else reject(new Error(`${TOOL} exited with ${code}: ${complaint.trim()}`))
    })
  })
}
