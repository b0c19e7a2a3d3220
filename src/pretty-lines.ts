// Makes lines of a pino log pretty by pino-pretty, where the user has installed it.
import { createRequire } from 'node:module'
import path from 'node:path'

export type Prettify = (line: string) => string

/** Undefined where it is not installed, beside the app or beside this package. */
export function loadPrettify (colorize: boolean): Prettify | undefined {
  const pretty = requireFirst('pino-pretty', [path.join(process.cwd(), 'package.json'), import.meta.url])
  if (!hasFactory(pretty)) return undefined
  return pretty.prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', ignore: 'hostname', singleLine: true })
}

function requireFirst (name: string, places: readonly string[]): unknown {
  for (const place of places) {
    try {
      return createRequire(place)(name)
    } catch {}
  }
  return undefined
}

interface Factory { prettyFactory: (options: object) => Prettify }

function hasFactory (value: unknown): value is Factory {
  return typeof value === 'function' && 'prettyFactory' in value && typeof value.prettyFactory === 'function'
}

/** What pino may write to: pretty lines on a terminal; undefined where plain JSON is due. */
export function prettyStdout (): { write: (line: string) => void } | undefined {
  if (!process.stdout.isTTY) return undefined
  const prettify = loadPrettify(process.stdout.hasColors())
  return prettify === undefined ? undefined : { write: line => { process.stdout.write(prettify(line)) } }
}
