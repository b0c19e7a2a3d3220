// Tells by what a module exports how it makes its app. Pure.

/** `factory`: the function returns the app. `plugin`: it is registered on an app, as with fastify-cli. */
export type AppStyle = 'factory' | 'plugin'

export const APP_STYLES: readonly AppStyle[] = ['factory', 'plugin']

export type AppFunction = (...args: unknown[]) => unknown

export interface FoundApp {
  readonly make: AppFunction
  readonly style: AppStyle
  /** How the style was told, for an error that comes of a wrong guess; undefined where it is beyond doubt. */
  readonly guessedBy?: string
}

// What fastify-plugin leaves on a function.
const PLUGIN_MARKS: readonly symbol[] = [Symbol.for('skip-override'), Symbol.for('plugin-meta'), Symbol.for('fastify.display-name')]

/** Looks for `buildApp`, then for a function as default export; undefined where there is neither. */
export function findApp (module: Readonly<Record<string, unknown>>, wanted?: AppStyle): FoundApp | undefined {
  const { buildApp } = module
  const main = defaultOf(module)
  const named = typeof buildApp === 'function' ? buildApp : isObject(main) ? main['buildApp'] : undefined
  if (isFunction(named) && wanted !== 'plugin') return { make: named, style: 'factory' }
  if (!isFunction(main)) return undefined
  if (wanted !== undefined) return { make: main, style: wanted }
  if (PLUGIN_MARKS.some(mark => mark in main)) return { make: main, style: 'plugin' }
  // Beyond doubt only in this case: a factory is given one argument.
  if (main.length >= 2) return { make: main, style: 'plugin' }
  return main.length === 1
    ? { make: main, style: 'plugin', guessedBy: 'it has one parameter, so it was registered as a plugin' }
    : { make: main, style: 'factory', guessedBy: 'it has no parameters, so it was called as a factory' }
}

/** A CommonJS module that was compiled from an ES module keeps its default export one level down. */
function defaultOf (module: Readonly<Record<string, unknown>>): unknown {
  const main = module['default']
  return isObject(main) && main['__esModule'] === true ? main['default'] ?? main : main
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isFunction (value: unknown): value is AppFunction {
  return typeof value === 'function'
}
