// Loads the user's module, in the worker that is to run it, and makes its app.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type * as Fastify from 'fastify'
import type { FastifyInstance, FastifyPluginAsync, FastifyServerOptions } from 'fastify'
import { AppStyleError, NoAppError } from '../errors.ts'
import type { BuildApp, FastifyLike } from '../worker/build-app.ts'
import type { WorkerInfo } from '../worker-info.ts'
import { findApp } from './app-style.ts'
import type { AppStyle, FoundApp } from './app-style.ts'
import { locateSyntaxError } from './locate-syntax-error.ts'
import { readTypescript } from './typescript.ts'

export interface AppSource {
  /** Absolute. */
  readonly file: string
  readonly style?: AppStyle
  /** For an app that is made from a plugin. */
  readonly pluginOptions: Readonly<Record<string, unknown>>
  readonly logger: NonNullable<FastifyServerOptions['logger']>
}

/**
 * Nothing is loaded before it is called: the primary never needs to.
 *
 * @throws FST_CLUSTERIZE_NO_APP, FST_CLUSTERIZE_APP_STYLE, FST_CLUSTERIZE_NO_TYPESCRIPT, or what the module throws
 */
export function appLoader (source: AppSource): BuildApp {
  return async worker => {
    const module = await load(source.file)
    const found = findApp(module, source.style)
    if (found === undefined) throw new NoAppError(source.file, exportsOf(module))
    return found.style === 'factory' ? callFactory(found, worker) : registerPlugin(found, module, source)
  }
}

async function load (file: string): Promise<Record<string, unknown>> {
  try {
    await readTypescript(file)
    return await import(pathToFileURL(file).href) as Record<string, unknown>
  } catch (error) {
    throw error instanceof SyntaxError ? locateSyntaxError(error, file) : error
  }
}

async function callFactory ({ make, guessedBy }: FoundApp, worker: WorkerInfo): Promise<FastifyLike> {
  const app = await make(worker)
  if (guessedBy !== undefined && (app === undefined || app === null)) {
    throw new AppStyleError(guessedBy, `but returned ${inspect(app)}: let it return the app, or say --as plugin`)
  }
  return app as FastifyLike
}

async function registerPlugin ({ make, guessedBy }: FoundApp, module: Readonly<Record<string, unknown>>, { file, pluginOptions, logger }: AppSource): Promise<FastifyLike> {
  const fastify = await fastifyOf(file)
  const options = module['options']
  const app: FastifyInstance = fastify({ logger, ...typeof options === 'object' ? options : {} } as FastifyServerOptions)
  app.register(watchResult(make as unknown as FastifyPluginAsync, app, guessedBy), pluginOptions)
  return app
}

/** A factory that was taken for a plugin gives itself away by returning an app of its own. */
function watchResult (plugin: FastifyPluginAsync, app: FastifyInstance, guessedBy: string | undefined): FastifyPluginAsync {
  if (guessedBy === undefined) return plugin
  return async (instance, options) => {
    const result: unknown = await plugin(instance, options)
    if (isApp(result) && result.server !== app.server) {
      throw new AppStyleError(guessedBy, 'but returned an app of its own: export it as buildApp, or say --as factory')
    }
  }
}

function isApp (value: unknown): value is Pick<FastifyInstance, 'server'> {
  return typeof value === 'object' && value !== null && 'server' in value && 'inject' in value
}

/** The copy of Fastify that the module itself would get. */
async function fastifyOf (file: string): Promise<typeof Fastify.fastify> {
  const resolved = resolveFrom(file, 'fastify')
  const { fastify } = await import(resolved ?? 'fastify') as typeof Fastify
  return fastify
}

function resolveFrom (file: string, name: string): string | undefined {
  try {
    return pathToFileURL(createRequire(file).resolve(name)).href
  } catch {
    return undefined
  }
}

function exportsOf (module: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(module)
  return names.length === 0 ? 'nothing' : names.map(name => `${name} (${typeof module[name]})`).join(', ')
}
