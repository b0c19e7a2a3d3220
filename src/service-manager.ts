// What the service manager that started this process (systemd, or one that speaks its protocols) says in the environment.

/** How it wants to be told of this service; see sd_notify(3) and sd_watchdog_enabled(3). */
export interface NotifyRequest {
  /** Of the tool that tells it: NOTIFY_SOCKET among the rest. */
  readonly environment: NodeJS.ProcessEnv
  /** How often it wants to hear that the service lives, in ms; undefined where it does not. */
  readonly watchdog: number | undefined
}

export interface ServiceManager {
  readonly notify: NotifyRequest | undefined
  /** File descriptors of listening sockets that it opened for this process; see sd_listen_fds(3). */
  readonly sockets: readonly number[]
}

const FIRST_SOCKET = 3
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']

/** Takes its variables out of the environment, so that no worker or other child believes they are meant for it. */
export function takeServiceManager (environment: NodeJS.ProcessEnv = process.env, pid: number = process.pid): ServiceManager {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_FDS, LISTEN_PID } = environment
  const isWatched = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid
  const count = Number(LISTEN_PID) === pid ? positive(LISTEN_FDS) ?? 0 : 0
  const service: ServiceManager = {
    notify: NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === ''
      ? undefined
      : { environment: { PATH: environment['PATH'], NOTIFY_SOCKET }, watchdog: isWatched ? toMilliseconds(positive(WATCHDOG_USEC)) : undefined },
    sockets: Array.from({ length: count }, (_, index) => FIRST_SOCKET + index)
  }
  for (const name of VARIABLES) Reflect.deleteProperty(environment, name)
  return service
}

function positive (value: string | undefined): number | undefined {
  const number = Number(value)
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}

function toMilliseconds (microseconds: number | undefined): number | undefined {
  return microseconds === undefined ? undefined : microseconds / 1000
}
