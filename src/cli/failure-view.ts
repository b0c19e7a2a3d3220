// How a failure is told to a person: what failed, the stack of the process it failed in, and what to do next. Pure.
import { hintForError } from '../hints.ts'
import { CommandError } from './exit-codes.ts'

/** Several lines, the last of them ended. */
export function failureText (error: unknown): string {
  if (error instanceof CommandError) return `clusterize: ${error.message}\n${error.hint === undefined ? '' : `→ ${error.hint}\n`}`
  if (!(error instanceof Error)) return `clusterize: ${String(error)}\n`
  const hint = hintForError(error)
  const root = rootOf(error)
  const stack = isSelfExplaining(root) ? '' : `\n${root.stack ?? `${root.name}: ${root.message}`}\n`
  return `✖ ${error.message}\n${stack}${hint === undefined ? '' : `\n→ ${hint}\n`}`
}

/** The stack of the innermost cause: those around it only pass it on. */
function rootOf (error: Error): Error {
  return error.cause instanceof Error ? rootOf(error.cause) : error
}

/** The stack of an error about options leads into this package, where nothing is to be mended. */
function isSelfExplaining (error: Error): boolean {
  const code = 'code' in error ? String(error.code) : ''
  return code.startsWith('FST_CLUSTERIZE_')
}
