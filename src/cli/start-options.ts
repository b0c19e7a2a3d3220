// What `clusterize start` was told, by its command line and its environment.
import { statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { ClusterizeOptions } from '../options/types.ts'
import { APP_STYLES } from './app-style.ts'
import type { AppStyle } from './app-style.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { defaultName } from '../options/cluster-name.ts'
import type { CommandLine } from './parse-command-line.ts'
import { nest, readSettings } from './read-settings.ts'
import type { Value } from './read-settings.ts'
import { OWN_SETTINGS, SETTINGS } from './settings.ts'

const DEFAULT_PORT = 3_000
/** One worker restarts fastest, and nobody's clients wait for the proof of new code. */
const WATCHED = { workers: 1, stableFor: 100 }
const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export interface StartOrder {
  /** Absolute. */
  readonly file: string
  readonly options: ClusterizeOptions
  readonly style: AppStyle | undefined
  /** What stands behind `--`, for an app that is a plugin. */
  readonly pluginOptions: Readonly<Record<string, unknown>>
  readonly level: string
  readonly isWatching: boolean
}

/**
 * @throws CommandError
 */
export function readStartOrder ({ flags, positionals, rest }: CommandLine, environment: NodeJS.ProcessEnv): StartOrder {
  const own = readSettings(OWN_SETTINGS, flags, environment)
  const values = new Map(readSettings(SETTINGS, flags, environment))
  const isWatching = own.get('watch') === true
  if (!values.has('path') && !values.has('port')) values.set('port', DEFAULT_PORT)
  settleWorkers(values, isWatching)
  settleAdmin(values)
  const file = fileOf(positionals)
  // The entry of the process is this command, whose name would be every cluster's.
  if (!values.has('name')) values.set('name', defaultName(file))
  return {
    file,
    options: nest(values),
    style: oneOf(own.get('as'), APP_STYLES, '--as'),
    pluginOptions: parseArgs({ args: [...rest], strict: false }).values,
    level: oneOf(own.get('logLevel'), LEVELS, '--log-level') ?? 'info',
    isWatching
  }
}

function settleWorkers (values: Map<string, Value>, isWatching: boolean): void {
  const hasBounds = values.has('workers.min') || values.has('workers.max')
  if (hasBounds && values.has('workers')) throw new CommandError('--workers is a number, --min-workers and --max-workers let the load decide: give one or the other', EXIT.usage)
  if (!isWatching) return
  if (!hasBounds && !values.has('workers')) values.set('workers', WATCHED.workers)
  if (!values.has('reload.stableFor')) values.set('reload.stableFor', WATCHED.stableFor)
  if (values.get('workers') === 0) throw new CommandError('--watch needs a worker to reload: leave "--workers 0" out', EXIT.usage)
}

/** On by default, since the other commands need it; not where no primary is. `--no-admin` outweighs where it would be. */
function settleAdmin (values: Map<string, Value>): void {
  const parts = [...values.keys()].filter(option => option.startsWith('admin.'))
  if (values.get('admin') === false || values.get('workers') === 0) {
    for (const option of parts) values.delete(option)
  } else if (parts.length === 0) {
    values.set('admin', true)
  }
}

function fileOf ([given, extra]: readonly string[]): string {
  if (given === undefined) throw new CommandError('Which file? It exports the app', EXIT.usage, 'clusterize start app.js')
  if (extra !== undefined) throw new CommandError(`One file at a time: what is ${JSON.stringify(extra)}?`, EXIT.usage, 'options of a plugin come after "--"')
  const file = path.resolve(given)
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) throw new CommandError(`There is no file ${file}`, EXIT.usage, 'check the path; it is taken from the current folder')
  if (!found.isFile()) throw new CommandError(`${file} is not a file`, EXIT.usage, 'name the file that exports the app')
  return file
}

function oneOf<T extends string> (value: Value | undefined, known: readonly T[], flag: string): T | undefined {
  if (value === undefined) return undefined
  const found = known.find(candidate => candidate === value)
  if (found === undefined) throw new CommandError(`${flag} must be one of ${known.join(', ')}, received ${JSON.stringify(value)}`, EXIT.usage)
  return found
}
