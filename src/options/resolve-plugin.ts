// Resolves the options of the plugin once: checked, with every default in place, frozen.
import { anyObject, boolean, checkOptions, either, given, group, oneOf } from './check.ts'
import type { Expectation, Expectations } from './check.ts'
import type { FastifyClusterizeOptions, HeaderOptions, ResolvedPluginOptions } from './plugin-types.ts'

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const USUAL_NAMES = { id: 'x-worker-id', pid: 'x-worker-pid', generation: 'x-worker-generation' } as const

const header: Expectation = either(boolean, {
  expected: 'a header name',
  accepts: value => typeof value === 'string' && HEADER_NAME.test(value)
})

export const pluginExpectations: Expectations & Record<keyof FastifyClusterizeOptions, Expectation> = {
  headers: either(oneOf(false), group({ id: header, pid: header, generation: header })),
  underPressure: either(oneOf(false), anyObject)
}

/**
 * @throws FST_CLUSTERIZE_UNKNOWN_OPTION, FST_CLUSTERIZE_INVALID_OPTION
 */
export function resolvePluginOptions (options: FastifyClusterizeOptions): ResolvedPluginOptions {
  checkOptions(options, pluginExpectations)
  return Object.freeze({
    headers: options.headers === false ? [] : headerNames({ id: true, pid: false, generation: false, ...given(options.headers) }),
    underPressure: options.underPressure === false ? false : given(options.underPressure)
  })
}

function headerNames (wanted: Required<HeaderOptions>): ResolvedPluginOptions['headers'] {
  const kinds = ['id', 'pid', 'generation'] as const
  return kinds.flatMap(kind => {
    const name = wanted[kind]
    if (name === false) return []
    return [[kind, name === true ? USUAL_NAMES[kind] : name.toLowerCase()] as const]
  })
}
