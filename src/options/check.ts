// Checks a user's option object against a table of expectations, and names what is wrong.
import { inspect } from 'node:util'
import { InvalidOptionError, UnknownOptionError } from '../errors.ts'
import { closest } from './closest.ts'

/** What one option may be: a sentence for the error, and the test. */
export interface Expectation {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
  readonly inside?: Expectations
}
export type Expectations = Readonly<Record<string, Expectation>>

const MAX_TIMER = 2 ** 31 - 1
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isWhole = (value: unknown, from: number, to: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to

export const boolean: Expectation = { expected: 'true or false', accepts: value => typeof value === 'boolean' }
export const text: Expectation = { expected: 'a non-empty string', accepts: value => typeof value === 'string' && value !== '' }
export const callable: Expectation = { expected: 'a function', accepts: value => typeof value === 'function' }
/** Milliseconds that a timer can hold: Node fires longer ones at once. */
export const milliseconds: Expectation = {
  expected: `a number of milliseconds from 0 to ${MAX_TIMER}`,
  accepts: value => typeof value === 'number' && value >= 0 && value <= MAX_TIMER
}

/** A part of a whole. */
export const share: Expectation = { expected: 'a number from 0 to 1', accepts: value => typeof value === 'number' && value >= 0 && value <= 1 }

export const whole = (from: number, to: number): Expectation =>
  ({ expected: `a whole number from ${from} to ${to}`, accepts: value => isWhole(value, from, to) })

export const oneOf = (...values: ReadonlyArray<unknown>): Expectation =>
  ({ expected: `one of ${values.map(value => inspect(value)).join(', ')}`, accepts: value => values.includes(value) })

export const either = (...options: readonly [Expectation, ...Expectation[]]): Expectation => ({
  expected: options.map(({ expected }) => expected).join(', or '),
  accepts: value => options.some(({ accepts }) => accepts(value)),
  ...options.reduce<{ inside?: Expectations }>((found, { inside }) => inside === undefined ? found : { inside }, {})
})

export const listOf = (each: Expectation): Expectation =>
  ({ expected: `a list, each of it ${each.expected}`, accepts: value => Array.isArray(value) && value.every(each.accepts) })

export const group = (inside: Expectations): Expectation => ({ expected: 'an object', accepts: isObject, inside })
export const anyObject: Expectation = { expected: 'an object', accepts: isObject }

/**
 * @throws FST_CLUSTERIZE_UNKNOWN_OPTION, with the closest known name
 * @throws FST_CLUSTERIZE_INVALID_OPTION
 */
export function checkOptions (options: unknown, expectations: Expectations, path = ''): void {
  if (!isObject(options)) throw new InvalidOptionError(path === '' ? 'options' : path, 'an object', inspect(options))
  for (const [key, value] of Object.entries(options)) {
    const name = path === '' ? key : `${path}.${key}`
    const expectation = Object.hasOwn(expectations, key) ? expectations[key] : undefined
    if (expectation === undefined) throw new UnknownOptionError(name, didYouMean(key, Object.keys(expectations)))
    if (value === undefined) continue
    if (!expectation.accepts(value)) throw new InvalidOptionError(name, expectation.expected, inspect(value, { depth: 1 }))
    if (expectation.inside !== undefined && isObject(value)) checkOptions(value, expectation.inside, name)
  }
}

/** The options that have a value: one present as `undefined` is one left out, and its default counts. */
export function given<Options extends object> (options: Options | undefined): Options {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Options
}

function didYouMean (key: string, known: readonly string[]): string {
  const guess = closest(key, known)
  return guess === undefined ? `; known are ${known.join(', ')}` : `, did you mean "${guess}"?`
}
