// Reads flags and arguments by a command's table, and names the closest known flag where one is mistyped.
import { parseArgs } from 'node:util'
import type { ParseArgsConfig } from 'node:util'
import { closest } from '../options/closest.ts'
import { CommandError, EXIT } from './exit-codes.ts'

export interface Flag {
  /** Without its dashes. */
  readonly flag: string
  readonly short?: string
  /** Where it takes a value: what to call that in the help. */
  readonly placeholder?: string
  readonly help: string
}

export interface CommandLine {
  readonly flags: ReadonlyMap<string, string | boolean>
  readonly positionals: readonly string[]
  /** What stands behind `--`. */
  readonly rest: readonly string[]
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

/**
 * @throws CommandError when a flag is unknown, lacks its value or has one that it does not take
 */
export function parseCommandLine (args: readonly string[], known: readonly Flag[]): CommandLine {
  const end = args.indexOf('--')
  const own = end === -1 ? args : args.slice(0, end)
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const { flag, short, placeholder } of known) {
    options[flag] = { type: placeholder === undefined ? 'boolean' : 'string', ...short === undefined ? {} : { short } }
  }
  const { tokens } = parseArgs({ args: [...own], options, strict: false, tokens: true, allowPositionals: true })
  const flags = new Map(tokens.filter(isOption).map(token => readFlag(token, known)))
  const positionals = tokens.flatMap(token => token.kind === 'positional' ? [token.value] : [])
  return { flags, positionals, rest: end === -1 ? [] : args.slice(end + 1) }
}

function isOption (token: Token): token is OptionToken {
  return token.kind === 'option'
}

function readFlag ({ name, rawName, value, inlineValue }: OptionToken, known: readonly Flag[]): [string, string | boolean] {
  const found = known.find(({ flag }) => flag === name)
  if (found?.placeholder !== undefined) {
    // A value that looks like a flag is one, unless it was joined by "=".
    if (value === undefined || value === '' || (inlineValue === false && /^-\D/.test(value))) throw new CommandError(`${rawName} needs a value: ${rawName} <${found.placeholder}>`, EXIT.usage)
    return [name, value]
  }
  const positive = name.startsWith('no-') ? name.slice(3) : undefined
  const negated = known.find(({ flag, placeholder }) => flag === positive && placeholder === undefined)
  const chosen = found ?? negated
  if (chosen === undefined) throw unknownFlag(rawName, known)
  if (value !== undefined) throw new CommandError(`${rawName} takes no value, received ${JSON.stringify(value)}`, EXIT.usage)
  return [chosen.flag, found !== undefined]
}

function unknownFlag (rawName: string, known: readonly Flag[]): CommandError {
  const guess = rawName.startsWith('--') ? closest(rawName.slice(2), known.map(({ flag }) => flag)) : undefined
  return new CommandError(`Unknown flag ${rawName}${guess === undefined ? '' : `, did you mean --${guess}?`}`, EXIT.usage)
}
