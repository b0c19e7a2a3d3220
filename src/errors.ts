// Every error this package throws, each with a code that stays the same between releases.
import { inspect } from 'node:util'
import createError from '@fastify/error'
import type { FastifyError } from '@fastify/error'

type CodedError = new (...args: Array<unknown>) => FastifyError

const define = (code: string, message: string, statusCode = 500): CodedError =>
  createError(`FST_CLUSTERIZE_${code}`, message, statusCode) as unknown as CodedError

export const InvalidOptionError: CodedError = define('INVALID_OPTION', 'Option "%s" must be %s, received %s')
export const UnknownOptionError: CodedError = define('UNKNOWN_OPTION', 'Unknown option "%s"%s')
export const ConflictingOptionsError: CodedError = define('CONFLICTING_OPTIONS', 'Options %s cannot be used together: %s')
export const InvalidEnvironmentError: CodedError = define('INVALID_ENV', 'Environment variable %s must be %s, received %s')
export const NoEntryError: CodedError = define('NO_ENTRY', 'clusterize() needs a script file to fork: start the process with "node <file>" (%s)')
export const AlreadyStartedError: CodedError = define('ALREADY_STARTED', 'clusterize() was already called in this process: one cluster per process, close() it before starting another')
export const NestedError: CodedError = define('NESTED', 'This process is already a worker of another cluster: start it once and let clusterize() fork, or use workers: 0')
export const BootFailedError: CodedError = define('BOOT_FAILED', 'The cluster did not come up: %s')
export const BootTimeoutError: CodedError = define('BOOT_TIMEOUT', 'Worker %s was not ready within bootTimeout (%s ms): buildApp did not resolve, or the app did not become ready, in time')
export const WorkerDiedError: CodedError = define('WORKER_DIED', 'Worker %s ended too early: %s; its own output tells why')
export const NotFastifyError: CodedError = define('NOT_FASTIFY', 'buildApp must return a Fastify instance (or a promise of one), received %s')
export const AlreadyListeningError: CodedError = define('ALREADY_LISTENING', 'buildApp returned an instance that is already listening: remove app.listen(), clusterize() calls it')
export const NoAppError: CodedError = define('NO_APP', '%s exports no app: export buildApp, or a default function that builds an app or is a Fastify plugin; it exports %s')
export const AppStyleError: CodedError = define('APP_STYLE', 'The default export was taken for the wrong kind of function: %s, %s')
export const NoTypescriptError: CodedError = define('NO_TYPESCRIPT', '%s is TypeScript that Node.js %s does not run by itself: install tsx beside the app (npm install --save-dev tsx), or use Node.js 22.18 or later (tsx is needed there for .tsx)')
export const AppReadyError: CodedError = define('APP_READY', 'buildApp returned an instance that is already ready, so the plugin cannot be added: register fastify-clusterize in buildApp, or return the app before app.ready()')
export const PluginTwiceError: CodedError = define('PLUGIN_TWICE', 'fastify-clusterize is already registered on this instance: register it once, on the root')
export const ShedError: CodedError = define('SHED', 'Service overloaded, try again later', 503)
export const StoppedError: CodedError = define('STOPPED', 'The cluster is not up: it was stopped')
export const BootingError: CodedError = define('BOOTING', 'The cluster still boots: ask again once it is ready')
export const ReloadFailedError: CodedError = define('RELOAD_FAILED', 'The new code did not come up, the old workers serve on: %s')
export const CrashLoopError: CodedError = define('CRASH_LOOP', 'Workers end again and again and none is left: %s')
export const KilledError: CodedError = define('KILLED', 'Not every worker ended by itself: %s')
export const NoWorkerError: CodedError = define('NO_WORKER', 'There is no ready worker %s', 404)
export const AdminTakenError: CodedError = define('ADMIN_TAKEN', 'The admin socket %s is another running cluster\'s: give this one another "name"')
export const AdminSocketError: CodedError = define('ADMIN_SOCKET', 'The admin socket %s cannot be opened: %s')
export const AdminTokenError: CodedError = define('ADMIN_TOKEN', '%s', 401)
export const AdminForeignError: CodedError = define('ADMIN_FOREIGN', 'Refused: %s', 403)
export const AdminBusyError: CodedError = define('ADMIN_BUSY', 'Too many requests, try again in a second', 429)
export const NoPromClientError: CodedError = define('NO_PROM_CLIENT', 'The metrics page needs the package prom-client: npm install prom-client', 501)
export const IpcClosedError: CodedError = define('IPC_CLOSED', 'The channel to the other process is closed')
export const IpcTimeoutError: CodedError = define('IPC_TIMEOUT', 'No answer to "%s" within %s ms')

/** An error as it travels between processes: plain data. */
export interface SerializedError {
  name: string
  message: string
  code?: string
  stack?: string
  cause?: SerializedError
}

/** Turns anything thrown into data that survives IPC, with its chain of causes (five deep at most). */
export function serializeError (thrown: unknown, depth = 0): SerializedError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: `a value that is not an Error was thrown: ${inspect(thrown)}` }
  const { name, stack, cause } = thrown
  const message = messageOf(thrown)
  const code = 'code' in thrown ? String(thrown.code) : undefined
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined || depth >= 5 ? {} : { cause: serializeError(cause, depth + 1) })
  }
}

/** Node leaves that of an AggregateError empty: a database that refuses on every address of `localhost`, for one. */
function messageOf (error: Error): string {
  return error.message === '' && error instanceof AggregateError ? error.errors.map((inner: unknown) => inner instanceof Error ? inner.message : inspect(inner)).join('; ') : error.message
}

/** The other direction: an Error with the name, code, stack and causes of the original. */
export function deserializeError (data: SerializedError): Error & { code?: string } {
  const error: Error & { code?: string } = new Error(data.message)
  error.name = data.name
  if (data.code !== undefined) error.code = data.code
  if (data.stack !== undefined) error.stack = data.stack
  if (data.cause !== undefined) error.cause = deserializeError(data.cause)
  return error
}
