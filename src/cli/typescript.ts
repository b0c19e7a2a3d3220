// Makes sure that TypeScript can be loaded: Node itself strips types where it can, else tsx does, where the project has it.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { NoTypescriptError } from '../errors.ts'

const TYPESCRIPT = /\.[mc]?tsx?$/
// Node strips types, but does not know JSX.
const JSX = /\.tsx$/

/**
 * @throws FST_CLUSTERIZE_NO_TYPESCRIPT naming what to install
 */
export async function readTypescript (file: string): Promise<void> {
  if (!TYPESCRIPT.test(file)) return
  if (stripsTypes() && !JSX.test(file)) return
  const tsx = resolveTsx(file)
  if (tsx === undefined) throw new NoTypescriptError(path.basename(file), process.version)
  await import(tsx)
}

/** Since 22.18 and 23.6 without a flag. */
function stripsTypes (): boolean {
  return 'typescript' in process.features && Boolean(process.features.typescript)
}

/** As the user's file sees it, or this package. */
function resolveTsx (file: string): string | undefined {
  for (const from of [file, import.meta.url]) {
    try {
      return pathToFileURL(createRequire(from).resolve('tsx')).href
    } catch {}
  }
  return undefined
}
