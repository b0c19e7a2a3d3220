// The cluster's log as `clusterize start` writes it: JSON lines, or on a terminal what the narrator leaves, pretty where that can be.
import type { FastifyServerOptions } from 'fastify'
import { loadPrettify } from '../pretty-lines.ts'
import type { LogFields } from './narrator.ts'
import type { TerminalLine } from './terminal-line.ts'

type Logger = Exclude<FastifyServerOptions['logger'], boolean | undefined>

/** As `logger: true` makes it, with a level. */
export function plainLogger (level: string): Logger {
  return { name: 'fastify-clusterize', base: {}, level }
}

export function terminalLogger (level: string, line: TerminalLine, colorize: boolean, isShown: (fields: LogFields) => boolean): Logger {
  const prettify = loadPrettify(colorize) ?? (text => text)
  return {
    ...plainLogger(level),
    stream: { write: (text: string) => { if (!isShown(fieldsOf(text))) line.write(prettify(text)) } }
  }
}

function fieldsOf (line: string): LogFields {
  const fields: unknown = JSON.parse(line)
  return typeof fields === 'object' && fields !== null ? fields : {}
}
