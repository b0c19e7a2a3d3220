// The commands that ask a running cluster once: status, reload, scale, recycle, log-level, stop.
import { LOG_LEVELS } from '../admin/cluster.ts'
import type { ClusterStatus } from '../admin/status.ts'
import { MAX_WORKERS } from '../options/worker-count.ts'
import type { ReloadReport } from '../primary/reload.ts'
import type { AdminClient } from './admin-client.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { findCluster } from './find-cluster.ts'
import type { CommandLine } from './parse-command-line.ts'
import { inWords, plural } from './progress-view.ts'
import { statusText } from './status-view.ts'
import { untilGone } from './until-gone.ts'

interface Replacement { readonly id: number, readonly pid: number, readonly generation: number }

export async function status (command: CommandLine): Promise<ExitCode> {
  noArguments(command)
  const found = await (await findCluster(command)).ask<ClusterStatus>('GET', '/status')
  say(command, found, () => statusText(found))
  return found.readiness.ready ? EXIT.done : EXIT.notReady
}

export async function reload (command: CommandLine): Promise<ExitCode> {
  noArguments(command)
  const report = await (await findCluster(command)).ask<ReloadReport>('POST', '/reload')
  return say(command, report, () => `✔ generation ${report.generation} serves, reloaded in ${inWords(report.duration)}\n`)
}

export async function scale (command: CommandLine): Promise<ExitCode> {
  const wanted = command.positionals[0] ?? ''
  if (!/^[+-]?\d{1,4}$/.test(wanted) || command.positionals.length > 1) throw new CommandError(`How many workers? A whole number from 1 to ${MAX_WORKERS}, or a change like +1`, EXIT.usage, 'clusterize scale 4')
  const cluster = await findCluster(command)
  const report = await cluster.ask<{ workers: number }>('POST', '/scale', { workers: await sizeOf(wanted, cluster) })
  return say(command, report, () => `✔ ${plural(report.workers, 'worker')}\n`)
}

async function sizeOf (wanted: string, cluster: AdminClient): Promise<number> {
  const size = /^\d/.test(wanted) ? Number(wanted) : (await cluster.ask<ClusterStatus>('GET', '/status')).workers.wanted + Number(wanted)
  if (size < 1 || size > MAX_WORKERS) throw new CommandError(`A cluster has from 1 to ${MAX_WORKERS} workers, not ${size}`, EXIT.usage)
  return size
}

export async function recycle (command: CommandLine): Promise<ExitCode> {
  const [id = '', ...more] = command.positionals
  if (!/^[1-9]\d{0,5}$/.test(id) || more.length > 0) throw new CommandError('Which worker? Its id is a whole number from 1', EXIT.usage, 'clusterize status shows them')
  const report = await (await findCluster(command)).ask<Replacement>('POST', `/workers/${id}/recycle`)
  return say(command, report, () => `✔ worker ${report.id} is now process ${report.pid}\n`)
}

export async function logLevel (command: CommandLine): Promise<ExitCode> {
  const [level = '', ...more] = command.positionals
  if (!LOG_LEVELS.some(known => known === level) || more.length > 0) throw new CommandError(`Which level? One of ${LOG_LEVELS.join(', ')}`, EXIT.usage, 'clusterize log-level debug')
  const report = await (await findCluster(command)).ask<{ level: string }>('POST', '/log-level', { level })
  return say(command, report, () => `✔ level ${report.level}\n`)
}

export async function stop (command: CommandLine): Promise<ExitCode> {
  noArguments(command)
  const cluster = await findCluster(command)
  const { name, pid } = await cluster.ask<ClusterStatus>('GET', '/status')
  const since = Date.now()
  await cluster.ask('POST', '/stop')
  const killed = await untilGone(cluster, since)
  say(command, { stopped: name, pid, killed }, () => killed === 0 ? `✔ ${name} stopped\n` : `✖ ${name} stopped, and ${plural(killed, 'worker')} had to be killed: its log tells what they were doing\n`)
  return killed === 0 ? EXIT.done : EXIT.failed
}

function noArguments ({ positionals: [extra] }: CommandLine): void {
  if (extra !== undefined) throw new CommandError(`What is ${JSON.stringify(extra)}? This command takes flags alone`, EXIT.usage)
}

function say ({ flags }: CommandLine, answer: object, text: () => string): ExitCode {
  process.stdout.write(flags.get('json') === true ? `${JSON.stringify(answer)}\n` : text())
  return EXIT.done
}
