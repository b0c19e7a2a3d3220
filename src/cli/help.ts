// The text of `clusterize help`. Pure.
import type { Command } from './commands.ts'
import type { Flag } from './parse-command-line.ts'
import type { Setting } from './settings.ts'

const USAGE = `clusterize runs a Fastify app on all the cores of a machine.

Usage: clusterize <command> [flags]
`

export function overview (commands: readonly Command[]): string {
  const rows = commands.map(command => [signature(command), command.summary] as const)
  const examples = commands.flatMap(({ examples: [first] }) => first === undefined ? [] : [`  ${first}`])
  return [
    USAGE,
    'Commands:',
    ...table([...rows, ['help [command]', 'shows this, or all about one command']]),
    '',
    'Examples:',
    ...examples,
    ''
  ].join('\n')
}

export function helpFor (command: Command): string {
  const { name, takes, summary, flags, examples, also = [] } = command
  return [
    `clusterize ${name}: ${summary}`,
    '',
    `Usage: clusterize ${name}${takes === undefined ? '' : ` ${takes}`} [flags]`,
    ...also.length === 0 ? [] : [`Also: clusterize ${also.join(', clusterize ')}`],
    '',
    'Flags:',
    ...table([...flags.map(flag => [flagText(flag), helpText(flag)] as const), ['-h, --help', 'shows this']]),
    '',
    'Examples:',
    ...examples.map(example => `  ${example}`),
    ''
  ].join('\n')
}

function signature ({ name, takes }: Command): string {
  return takes === undefined ? name : `${name} ${takes.replace(/ \[.*/, '')}`
}

function flagText ({ flag, short, placeholder }: Flag): string {
  const dashes = short === undefined ? '    ' : `-${short}, `
  return `${dashes}--${flag}${placeholder === undefined ? '' : ` <${placeholder}>`}`
}

function helpText (flag: Flag | Setting): string {
  const variables = 'variables' in flag ? ` [${flag.variables.join(', ')}]` : ''
  return flag.help + variables
}

function table (rows: ReadonlyArray<readonly [string, string]>): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
