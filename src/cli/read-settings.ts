// Puts the settings of `clusterize start` together: flags win over environment variables.
import { CommandError, EXIT } from './exit-codes.ts'
import type { CommandLine } from './parse-command-line.ts'
import type { Setting } from './settings.ts'

export type Value = string | number | boolean

/** Settings that exclude each other, the first being the stronger where both come from the environment. */
const RIVALS: ReadonlyArray<readonly [readonly string[], readonly string[]]> = [
  [['path'], ['port', 'host']],
  [['workers'], ['workers.min', 'workers.max']]
]
const ON: ReadonlySet<string> = new Set(['1', 'true', 'yes', 'on'])
const OFF: ReadonlySet<string> = new Set(['0', 'false', 'no', 'off'])

/**
 * The values by option name.
 *
 * @throws CommandError naming the flag or variable that cannot be read
 */
export function readSettings (table: readonly Setting[], flags: CommandLine['flags'], environment: NodeJS.ProcessEnv): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>()
  const byFlag = new Set<string>()
  for (const { flag, option, kind, variables } of table) {
    const given = flags.get(flag)
    if (given !== undefined) {
      values.set(option, typeof given === 'boolean' ? given : read(kind, given, `--${flag}`))
      byFlag.add(option)
      continue
    }
    // Set to nothing is how many tools take a variable back.
    const variable = variables.find(name => (environment[name] ?? '') !== '')
    if (variable !== undefined) values.set(option, read(kind, environment[variable] ?? '', variable))
  }
  for (const [one, other] of RIVALS) dropWeaker(values, byFlag, one, other)
  return values
}

/** A flag takes the place of what the environment says in another way. A socket stands above a port there, which platforms set for everybody. */
function dropWeaker (values: Map<string, Value>, byFlag: ReadonlySet<string>, one: readonly string[], other: readonly string[]): void {
  const by = (options: readonly string[]): boolean => options.some(option => byFlag.has(option))
  const weaker = by(other) && !by(one) ? one : other
  const stronger = weaker === one ? other : one
  if (!stronger.some(option => values.has(option))) return
  for (const option of weaker) if (!byFlag.has(option)) values.delete(option)
}

function read (kind: Setting['kind'], text: string, source: string): Value {
  switch (kind) {
    case 'text': return text
    case 'number': return number(text) ?? wrong(source, 'a number', text)
    case 'limit': return OFF.has(text.toLowerCase()) && text !== '0' ? false : number(text) ?? wrong(source, 'a number or false', text)
    case 'count': return text === 'auto' ? text : number(text) ?? wrong(source, 'a number or auto', text)
    case 'boolean': return ON.has(text.toLowerCase()) || (OFF.has(text.toLowerCase()) ? false : wrong(source, 'true or false', text))
    default: return kind satisfies never
  }
}

function number (text: string): number | undefined {
  return text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text)
}

function wrong (source: string, expected: string, text: string): never {
  throw new CommandError(`${source} must be ${expected}, received ${JSON.stringify(text)}`, EXIT.usage)
}

/** `{ 'queue.limit': 5 }` as `{ queue: { limit: 5 } }`. */
export function nest (values: ReadonlyMap<string, Value>): Record<string, unknown> {
  const nested: Record<string, unknown> = {}
  for (const [name, value] of values) {
    const [group = '', inner] = name.split('.')
    const outer = nested[group]
    nested[group] = inner === undefined ? value : { ...typeof outer === 'object' ? outer : {}, [inner]: value }
  }
  return nested
}
