// Resolves the option `admin` and the cluster's name.
import { ConflictingOptionsError, InvalidEnvironmentError } from '../errors.ts'
import type { AdminOptions, AdminTcp, ResolvedAdmin } from './admin-types.ts'
import { boolean, either, group, listOf, text, whole } from './check.ts'
import type { Expectation, Expectations } from './check.ts'
import { defaultName, NAME } from './cluster-name.ts'
import { MAX_WORKERS } from './worker-count.ts'

/** A shorter one could be guessed. */
const MIN_TOKEN = 16
export const TOKEN_VARIABLE = 'FASTIFY_CLUSTERIZE_TOKEN'
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/

// Printable ASCII without blanks: what a header carries unchanged.
const tokenExpectation: Expectation = {
  expected: `a text of at least ${MIN_TOKEN} printable ASCII characters without blanks`,
  accepts: value => typeof value === 'string' && value.length >= MIN_TOKEN && /^[!-~]+$/.test(value)
}

const fields: Expectations & Record<keyof AdminOptions, Expectation> = {
  path: text,
  port: whole(0, 65535),
  host: text,
  token: tokenExpectation,
  guardReads: boolean,
  hosts: listOf(text),
  minReady: whole(1, MAX_WORKERS)
}

export const adminExpectation: Expectation = either(boolean, group(fields))

export const nameExpectation: Expectation = {
  expected: 'a name of up to 40 letters, digits, "_", "-" and ".", the first a letter or digit',
  accepts: value => typeof value === 'string' && NAME.test(value)
}

/**
 * @throws FST_CLUSTERIZE_CONFLICTING_OPTIONS
 */
export function resolveAdmin (option: boolean | AdminOptions, name: string | undefined, environment: NodeJS.ProcessEnv = process.env): false | ResolvedAdmin {
  if (option === false) return false
  const options = option === true ? {} : option
  return Object.freeze({ name: name ?? defaultName(process.argv[1]), path: options.path, tcp: tcpOf(options, environment), minReady: options.minReady ?? 1 })
}

function tcpOf (options: AdminOptions, environment: NodeJS.ProcessEnv): AdminTcp | undefined {
  const { port, host = '127.0.0.1', hosts = [] } = options
  if (port === undefined) {
    const without = (['host', 'token', 'guardReads', 'hosts'] as const).find(name => options[name] !== undefined)
    if (without !== undefined) throw new ConflictingOptionsError(`"admin.${without}" and no "admin.port"`, 'it takes effect on TCP')
    return undefined
  }
  const token = options.token ?? tokenFrom(environment)
  const guardReads = options.guardReads ?? !LOOPBACK.test(host)
  if (guardReads && token === undefined) {
    throw new ConflictingOptionsError('guarded reads (the default beyond loopback) and no "admin.token"', `nobody could read: give a token, also by ${TOKEN_VARIABLE}, or guardReads: false`)
  }
  return Object.freeze({ port, host, token, guardReads, hosts: Object.freeze(hosts.map(name => name.toLowerCase())) })
}

function tokenFrom (environment: NodeJS.ProcessEnv): string | undefined {
  const token = environment[TOKEN_VARIABLE]
  if (token === undefined || token === '') return undefined
  if (!tokenExpectation.accepts(token)) throw new InvalidEnvironmentError(TOKEN_VARIABLE, tokenExpectation.expected, `${token.length} characters`)
  return token
}
