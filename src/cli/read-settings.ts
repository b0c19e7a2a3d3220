// Puts the settings of `clusterize start` together: flags win over environment variables.
import { CommandError, EXIT } from './exit-codes.ts'
import type { CommandLine } from './parse-command-line.ts'
import type { Setting } from './settings.ts'

export type Value = string | number | boolean

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
  dropWeakerTarget(values, byFlag)
  return values
}

/** A platform that sets PORT for everybody does not contradict a socket asked for by flag, nor the other way round. */
function dropWeakerTarget (values: Map<string, Value>, byFlag: ReadonlySet<string>): void {
  if (!values.has('path')) return
  const tcp = ['port', 'host']
  const pathByFlag = byFlag.has('path')
  const tcpByFlag = tcp.some(option => byFlag.has(option))
  if (tcpByFlag && !pathByFlag) values.delete('path')
  else for (const option of tcp) if (!byFlag.has(option)) values.delete(option)
}

function read (kind: Setting['kind'], text: string, source: string): Value {
  switch (kind) {
    case 'text': return text
    case 'number': return number(text) ?? wrong(source, 'a number', text)
    case 'limit': return OFF.has(text.toLowerCase()) && text !== '0' ? false : number(text) ?? wrong(source, 'a number or false', text)
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
