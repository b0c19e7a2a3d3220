#!/usr/bin/env node
// The executable `clusterize`.
import { readFileSync } from 'node:fs'
import { surviveBrokenOutput } from '../broken-output.ts'
import { closest } from '../options/closest.ts'
import { COMMANDS } from './commands.ts'
import type { Command } from './commands.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { failureText } from './failure-view.ts'
import { helpFor, overview } from './help.ts'
import { parseCommandLine } from './parse-command-line.ts'
import type { Flag } from './parse-command-line.ts'

const HELP: Flag = { flag: 'help', short: 'h', help: '' }
/** What options and the environment can be wrong by, told before anything is tried. */
const USAGE_CODES: ReadonlySet<unknown> = new Set(['INVALID_OPTION', 'UNKNOWN_OPTION', 'CONFLICTING_OPTIONS', 'INVALID_ENV'].map(code => `FST_CLUSTERIZE_${code}`))

async function main ([name, ...args]: readonly string[]): Promise<ExitCode | void> {
  if (name === undefined) {
    process.stderr.write(overview(COMMANDS))
    return EXIT.usage
  }
  if (name === 'help' || name === '--help' || name === '-h') return help(args[0])
  if (name === 'version' || name === '--version' || name === '-v') return say(`${version()}\n`)
  const command = find(name)
  const line = parseCommandLine(args, [...command.flags, HELP])
  return line.flags.get(HELP.flag) === true ? say(helpFor(command)) : command.run(line)
}

function help (name: string | undefined): ExitCode {
  return say(name === undefined || name.startsWith('-') ? overview(COMMANDS) : helpFor(find(name)))
}

function say (text: string): ExitCode {
  process.stdout.write(text)
  return EXIT.done
}

function find (name: string): Command {
  const found = COMMANDS.find(command => command.name === name || command.also?.includes(name))
  if (found !== undefined) return found
  const guess = closest(name, COMMANDS.map(command => command.name))
  const what = name.startsWith('-') ? `Unknown flag ${name}` : `Unknown command "${name}"${guess === undefined ? '' : `, did you mean "${guess}"?`}`
  throw new CommandError(what, EXIT.usage, 'clusterize help')
}

function version (): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return own
}

function exitCodeOf (error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode
  return error instanceof Error && 'code' in error && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed
}

// Whoever reads it may have seen enough: `clusterize status | head -1`.
surviveBrokenOutput()
main(process.argv.slice(2)).then(code => {
  if (code !== undefined) process.exitCode = code
}, error => {
  process.stderr.write(failureText(error))
  process.exitCode = exitCodeOf(error)
})
