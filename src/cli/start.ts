// `clusterize start <file>`: runs a user's module on all CPUs. The workers run the same command line.
import { clusterize } from '../clusterize.ts'
import type { ClusterizeResult } from '../clusterize.ts'
import { resolveOptions } from '../options/resolve.ts'
import type { ClusterizeOptions } from '../options/types.ts'
import { prettyStdout } from '../pretty-lines.ts'
import { readableAddress } from '../readable-address.ts'
import { WORKER_VARIABLE } from '../worker-variable.ts'
import { EXIT } from './exit-codes.ts'
import { failureText } from './failure-view.ts'
import { appLoader } from './load-app.ts'
import { createNarrator } from './narrator.ts'
import type { Narrator } from './narrator.ts'
import type { CommandLine } from './parse-command-line.ts'
import { plainLogger, terminalLogger } from './start-log.ts'
import { readStartOrder } from './start-options.ts'
import type { StartOrder } from './start-options.ts'
import { terminalLine } from './terminal-line.ts'
import { bootAndWatch } from './watch.ts'

/** Resolves once the cluster serves, or did not come up; the process then ends by itself. */
export async function start (command: CommandLine): Promise<void> {
  const order = readStartOrder(command, process.env)
  if (process.env[WORKER_VARIABLE] !== undefined) {
    await clusterize(builderOf(order), order.options)
    return
  }
  // What is wrong in them is wrong usage, not a boot that failed.
  const { workers } = resolveOptions(order.options)
  const { narrator, logger } = output(order)
  const boot = async (): Promise<ClusterizeResult> => {
    narrator?.bootBegins(workers)
    const result = await clusterize(builderOf(order), { ...order.options, logger })
    narrator?.bootEnds('addresses' in result ? result.addresses.map(readableAddress) : [])
    return result
  }
  const onBootFailed = (error: unknown): void => {
    narrator?.bootFails()
    process.stderr.write(failureText(error))
  }
  if (order.isWatching) await bootAndWatch({ file: order.file, boot, onBootFailed })
  else await boot().catch(fail)

  function fail (error: unknown): void {
    onBootFailed(error)
    process.exitCode = EXIT.failed
  }
}

function builderOf ({ file, style, pluginOptions, level }: StartOrder): ReturnType<typeof appLoader> {
  const stream = prettyStdout()
  const logger = { level, ...stream === undefined ? {} : { stream } }
  return appLoader({ file, pluginOptions, logger, ...style === undefined ? {} : { style } })
}

function output ({ level }: StartOrder): { narrator: Narrator | undefined, logger: NonNullable<ClusterizeOptions['logger']> } {
  const { stdout } = process
  if (!stdout.isTTY) return { narrator: undefined, logger: plainLogger(level) }
  const line = terminalLine(stdout)
  const narrator = createNarrator(line, () => stdout.columns)
  return { narrator, logger: terminalLogger(level, line, stdout.hasColors(), narrator.shows) }
}
