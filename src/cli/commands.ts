// Every command: what it takes, what its help says, and where its code is.
import type { ExitCode } from './exit-codes.ts'
import type { CommandLine, Flag } from './parse-command-line.ts'
import { OWN_SETTINGS, SETTINGS } from './settings.ts'

export interface Command {
  readonly name: string
  readonly also?: readonly string[]
  /** Behind the name in the help. */
  readonly takes?: string
  readonly summary: string
  readonly flags: readonly Flag[]
  readonly examples: readonly string[]
  /** Resolves with nothing where the process goes on and ends by itself. */
  readonly run: (command: CommandLine) => Promise<ExitCode | void>
}

const SELECT: readonly Flag[] = [
  { flag: 'name', short: 'n', placeholder: 'name', help: 'the cluster of this name (needed where several run)' },
  { flag: 'socket', placeholder: 'file', help: 'the cluster whose admin socket this is' }
]
const JSON_FLAG: Flag = { flag: 'json', help: 'one line of JSON, for scripts' }
const ORDER: readonly Flag[] = [...SELECT, JSON_FLAG]

export const COMMANDS: readonly Command[] = [
  {
    name: 'start',
    takes: '<file> [-- options of a plugin]',
    summary: 'runs the app that a file exports on all CPUs',
    flags: [...SETTINGS, ...OWN_SETTINGS],
    examples: ['clusterize start app.js', 'clusterize start app.ts --port 8080 --workers 4', 'clusterize start app.js --watch', 'clusterize start plugin.js -- --prefix=/api'],
    run: async command => (await import('./start.ts')).start(command)
  },
  {
    name: 'status',
    summary: 'shows the cluster and its workers',
    flags: ORDER,
    examples: ['clusterize status', 'clusterize status --json | jq .totals.perSecond'],
    run: async command => (await import('./orders.ts')).status(command)
  },
  {
    name: 'top',
    summary: 'shows it live; q ends',
    flags: SELECT,
    examples: ['clusterize top', 'clusterize top --name shop'],
    run: async command => (await import('./top.ts')).top(command)
  },
  {
    name: 'reload',
    summary: 'rolls new code in, one worker after another; ends when it serves',
    flags: ORDER,
    examples: ['clusterize reload', 'npm run build && clusterize reload --name shop'],
    run: async command => (await import('./orders.ts')).reload(command)
  },
  {
    name: 'scale',
    takes: '<workers>',
    summary: 'changes the number of workers, by +n or -n too',
    flags: ORDER,
    examples: ['clusterize scale 8', 'clusterize scale +1'],
    run: async command => (await import('./orders.ts')).scale(command)
  },
  {
    name: 'recycle',
    takes: '<id>',
    summary: 'replaces one worker by a fresh one',
    flags: ORDER,
    examples: ['clusterize recycle 3'],
    run: async command => (await import('./orders.ts')).recycle(command)
  },
  {
    name: 'log-level',
    also: ['logs-level'],
    takes: '<level>',
    summary: "sets the level of the cluster's log and of the apps' loggers",
    flags: ORDER,
    examples: ['clusterize log-level debug'],
    run: async command => (await import('./orders.ts')).logLevel(command)
  },
  {
    name: 'stop',
    summary: 'stops the cluster as SIGTERM does; ends when it has',
    flags: ORDER,
    examples: ['clusterize stop', 'clusterize stop --name shop'],
    run: async command => (await import('./orders.ts')).stop(command)
  }
]
