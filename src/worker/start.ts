// The composition root of a worker: build the app, listen, say so, and drain when told or when the primary is gone.
import cluster from 'node:cluster'
import type { FastifyInstance } from 'fastify'
import { createChannel } from '../channel.ts'
import type { Answer, Channel } from '../channel.ts'
import { serializeError } from '../errors.ts'
import type { ResolvedOptions } from '../options/types.ts'
import type { ToPrimary, ToWorker } from '../protocol.ts'
import { setProcessIdentity } from '../worker-info.ts'
import type { WorkerIdentity, WorkerInfo } from '../worker-info.ts'
import type { BuildApp, PluginSide } from './build-app.ts'
import { activityOf, boot, nothingYet } from './boot.ts'
import type { Running } from './boot.ts'
import { drain } from './drain.ts'
import type { DrainOptions } from './drain.ts'
import { createEnding } from './ending.ts'
import type { Ending } from './ending.ts'
import { leaveSignalsToPrimary, outliveThePrimary } from './process-guards.ts'

// How long a dying worker waits for the primary to have read its last words, in ms.
const LAST_WORDS = 2_000

/** What clusterize() resolves to in a worker. */
export interface WorkerResult {
  readonly role: 'worker'
  readonly app: FastifyInstance
  readonly worker: WorkerInfo
}

/** Resolves once the app listens. Where the app cannot come up the primary is told why, and the process ends. */
export async function startWorker (buildApp: BuildApp, options: ResolvedOptions, identity: WorkerIdentity, plugin: PluginSide): Promise<WorkerResult> {
  setProcessIdentity(identity)
  const running = nothingYet()
  const channel: Channel<ToPrimary> = createChannel<ToPrimary, ToWorker>(process as Parameters<typeof createChannel>[0], receive, { ahead: true })
  const ending = createEnding(
    (timeout: number) => finish(running, timeout, options.idleGrace, channel),
    (error: unknown) => reportCrash(error, running, channel)
  )
  ending.onUncaught(options.errorDrainTimeout)
  leaveSignalsToPrimary(signal => channel.post({ type: 'signal', signal }))
  outliveThePrimary(cluster.worker, () => {
    // Its siblings end too, so nobody is left to take connections.
    running.mode = 'stop'
    ending.begin(options.drainTimeout)
  })

  function receive (message: ToWorker, handle: unknown): Answer | Promise<Answer> | void {
    switch (message.type) {
      case 'drain':
        running.mode = message.mode
        return ending.begin(message.timeout)
      case 'take-slot': return running.slot.resolve(message.slot)
      case 'accept': return setAccepting(running, message.on)
      case 'log-level': return setLogLevel(running, message.level)
      case 'announce-stop': return running.drainable?.gate.expectStop()
      case 'announce-end': return running.drainable?.gate.startDraining('every-connection')
      case 'rebalance':
      case 'handoff-held':
      case 'request-take':
      case 'handoff-take': return running.handoff?.receive(message, handle)
      case 'app-metrics': return answerWithMetrics(running)
      case 'activity': return { body: activityOf(running) }
      default: return message satisfies never
    }
  }

  void channel.post({ type: 'booting' })
  const app = await boot({ buildApp, options, identity, plugin, running, channel }).catch(error => bootFailed(error, channel, ending))
  return { role: 'worker', app, worker: identity.info }
}

/** The primary reports it to the user, so the process ends without a word of its own. */
async function bootFailed (error: unknown, channel: Channel<ToPrimary>, ending: Ending): Promise<never> {
  await channel.ask({ type: 'boot-failed', error: serializeError(error) }, { timeout: LAST_WORDS }).catch(() => {})
  return ending.exit(1)
}

async function reportCrash (error: unknown, { drainable }: Running, channel: Channel<ToPrimary>): Promise<void> {
  drainable?.app.log.fatal({ err: error }, 'uncaught error: this worker drains and is replaced')
  await channel.ask({ type: 'crashed', error: serializeError(error) }, { timeout: LAST_WORDS }).catch(() => {})
}

async function finish (running: Running, timeout: number, idleGrace: number, channel: Channel<ToPrimary>): Promise<void> {
  const { drainable, accepting, handoff, mode } = running
  // Still booting: nobody is connected, so there is nothing to wait for.
  if (drainable === undefined) return
  accepting?.end()
  handoff?.rest(false)
  const options: DrainOptions = {
    timeout,
    idleGrace,
    giver: mode === 'stop' ? undefined : handoff?.giver,
    onHandedOver: () => { void channel.post({ type: 'handed-over' }) },
    onPhase (phase) {
      running.phase = phase
      if (phase === 'closing') running.lastReports?.prepare()
    }
  }
  try {
    await drain(drainable, options)
  } finally {
    await running.lastReports?.send()
  }
}

async function answerWithMetrics ({ drainable }: Running): Promise<Answer> {
  return { body: await drainable?.gate.appMetrics() ?? [] }
}

function setAccepting ({ accepting, handoff }: Running, on: boolean): void {
  accepting?.set(on)
  handoff?.rest(!on)
}

/** Request loggers take it over from the app's; those of routes and plugins with a level of their own keep it. */
function setLogLevel ({ drainable }: Running, level: string): void {
  if (drainable !== undefined) drainable.app.log.level = level
}
