// Calls the user's buildApp and makes sure that what comes back is a Fastify app this package can run.
import { inspect } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { AlreadyListeningError, NotFastifyError } from '../errors.ts'
import type { FastifyClusterizeOptions } from '../options/plugin-types.ts'
import type { RequestGate } from '../request-gate.ts'
import type { WorkerInfo } from '../worker-info.ts'

/**
 * Builds the app of one worker: routes and plugins, not listening.
 *
 * @param worker who this process is
 */
export type BuildApp = (worker: WorkerInfo) => FastifyLike | PromiseLike<FastifyLike>

/** Any Fastify instance: the type of its server, logger and type provider does not matter here. */
export interface FastifyLike {
  readonly server: object
  readonly version: string
  listen: unknown
  register: unknown
  addHook: unknown
  ready: unknown
  close: unknown
  inject: unknown
}

/** What the plugin does for an app, given by the composition root. */
export interface PluginSide {
  gateNewInstances: () => () => void
  adoptApp: (app: FastifyInstance, options: FastifyClusterizeOptions) => Promise<RequestGate>
}

export interface BuiltApp { readonly app: FastifyInstance, readonly gate: RequestGate }

/**
 * @throws what buildApp throws, FST_CLUSTERIZE_NOT_FASTIFY, FST_CLUSTERIZE_ALREADY_LISTENING, FST_CLUSTERIZE_APP_READY
 */
export async function buildGatedApp (buildApp: BuildApp, worker: WorkerInfo, options: FastifyClusterizeOptions, plugin: PluginSide): Promise<BuiltApp> {
  const stopGating = plugin.gateNewInstances()
  try {
    const app: unknown = await buildApp(worker)
    if (!isFastify(app)) throw new NotFastifyError(inspect(app, { depth: 0 }))
    if (app.server.listening) throw new AlreadyListeningError()
    const gate = await plugin.adoptApp(app, options)
    return { app, gate }
  } finally {
    stopGating()
  }
}

/** By what it can do: the app may use another copy of Fastify than this package. */
function isFastify (value: unknown): value is FastifyInstance {
  if (typeof value !== 'object' || value === null) return false
  const methods = ['listen', 'register', 'addHook', 'ready', 'close', 'inject']
  return 'server' in value && methods.every(name => typeof (value as Record<string, unknown>)[name] === 'function')
}
