// Gives the plugin to an app that did not register it, and its gate to every instance from the moment it is created.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { surviveBrokenLog } from '../broken-output.ts'
import { AppReadyError } from '../errors.ts'
import type { FastifyClusterizeOptions } from '../options/plugin-types.ts'
import { installGate } from './gate.ts'
import type { PluginGate } from './gate.ts'
import { labelLog } from './label-log.ts'
import { fastifyClusterize } from './plugin.ts'

// Fastify publishes each new instance here, before user code sees it: https://fastify.dev/docs/latest/Reference/Hooks/#diagnostics-channel-hooks
const CREATED = 'fastify.initialization'

/** Installs the gate on each Fastify instance created until the returned function is called; child plugins registered before ours are covered that way. */
export function gateNewInstances (): () => void {
  const onCreated = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance }
    // The log too at once: children that plugins derive from it before ours is registered take its bindings with them.
    labelLog(fastify.log, installGate(fastify).identity)
    surviveBrokenLog(fastify.log)
  }
  subscribe(CREATED, onCreated)
  return () => { unsubscribe(CREATED, onCreated) }
}

/**
 * Waits until the app's plugins are loaded and registers ours where it is missing.
 *
 * @throws FST_CLUSTERIZE_APP_READY when it is missing and the instance is already ready
 */
export async function adoptApp (app: FastifyInstance, options: FastifyClusterizeOptions): Promise<PluginGate> {
  // First, so that plugins which are loaded only now inherit it even where the instance is older than our subscription.
  const gate = installGateOn(app)
  await app.after()
  if (!gate.isConfigured()) await registerOn(app, options)
  return gate
}

function installGateOn (app: FastifyInstance): PluginGate {
  try {
    return installGate(app)
  } catch (cause) {
    throw new AppReadyError({ cause })
  }
}

async function registerOn (app: FastifyInstance, options: FastifyClusterizeOptions): Promise<void> {
  try {
    await app.register(fastifyClusterize, options)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && READY_CODES.has(String(cause.code))) throw new AppReadyError({ cause })
    throw cause
  }
}

const READY_CODES: ReadonlySet<string> = new Set(['FST_ERR_INSTANCE_ALREADY_LISTENING', 'AVV_ERR_ROOT_PLG_BOOTED', 'FST_ERR_ROOT_PLG_BOOTED'])
