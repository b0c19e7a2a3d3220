// The one thing to do next about an error or the end of a worker.
import type { ExitKind } from './exit-kinds.ts'

const BY_CODE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there: stop it, or choose another port',
  EACCES: 'this user may not use that: for a port choose one from 1024 on, for a file mend its permissions',
  EADDRNOTAVAIL: 'this machine does not have that address: leave the host out, or use 127.0.0.1 or 0.0.0.0',
  ENOTFOUND: 'that host name has no address: check its spelling and the DNS of this machine',
  ECONNREFUSED: 'a service that the app needs does not answer at that address: start it, or mend the address in the app\'s configuration',
  EMFILE: 'too many files are open: raise the limit of this process (ulimit -n)',
  MODULE_NOT_FOUND: 'check the path that is required; if it is a package, install it',
  ERR_MODULE_NOT_FOUND: 'check the path that is imported, with its extension; if it is a package, install it',
  ERR_PACKAGE_PATH_NOT_EXPORTED: 'import what that package exports, or install a version that has it',
  ERR_REQUIRE_ESM: 'import that module in place of requiring it',
  ERR_UNKNOWN_FILE_EXTENSION: 'Node.js does not know that kind of file: for TypeScript install tsx and set NODE_OPTIONS="--import tsx"',
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: 'Node.js only strips types: leave that syntax out, or install tsx and set NODE_OPTIONS="--import tsx"',
  FST_ERR_PLUGIN_TIMEOUT: 'that plugin never ended: call its done(), or settle its promise, or raise Fastify\'s pluginTimeout',
  FST_ERR_DUPLICATED_ROUTE: 'declare that route once',
  FST_ERR_DEC_ALREADY_PRESENT: 'that decorator is added twice: register its plugin once',
  FST_CLUSTERIZE_BOOT_TIMEOUT: 'find what buildApp or one of its plugins waits for, or raise bootTimeout',
  FST_CLUSTERIZE_NOT_FASTIFY: 'let it return the app',
  FST_CLUSTERIZE_ADMIN_TAKEN: 'stop that cluster, or give this one another name'
}

const BY_NAME: Readonly<Record<string, string>> = { SyntaxError: 'mend the syntax error where the stack points' }

const BY_KIND: Readonly<Partial<Record<ExitKind, string>>> = {
  'killed-hang': 'read where its loop stood in the report that the line worker-hung names, and move that work off the loop',
  'killed-boot-timeout': 'find what buildApp or one of its plugins waits for, or raise bootTimeout',
  'killed-drain-timeout': 'end long requests when worker.draining aborts, or raise drainTimeout',
  'oom-kill': 'run fewer workers or give the machine more memory; recycle.maxRss replaces a worker before that',
  'heap-out-of-memory': 'look for a leak (node --heapsnapshot-near-heap-limit=1), or raise --max-old-space-size',
  segfault: 'update or take out native add-ons; node --report-on-fatalerror tells which',
  'uncaught-error': 'catch that error where its stack points: each one costs a worker',
  'boot-failed': 'mend what its own output tells: the slot is tried again, more and more slowly',
  'exit-code': 'leave process.exit out of the app: throw, or answer with an error'
}

/** Undefined where nothing better can be said than what the error says. The innermost cause with a hint decides. */
export function hintForError (error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const inner = hintForError(error.cause)
  if (inner !== undefined) return inner
  const code = 'code' in error ? String(error.code) : ''
  return lookUp(BY_CODE, code) ?? lookUp(BY_NAME, error.name)
}

export function hintForEnd (kind: ExitKind, error?: Error): string | undefined {
  return hintForError(error) ?? BY_KIND[kind]
}

/** As a line of the log carries it. */
export function hintField (hint: string | undefined): { hint?: string } {
  return hint === undefined ? {} : { hint }
}

function lookUp (table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}
