// Finds the file and line of a syntax error: Node keeps them out of the error that import() throws.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

const MOST_FILES = 200
const CHECK_TIMEOUT = 5_000
const SCRIPT = /\.[mc]?js$/
const IMPORTED = /\b(?:from|import|require)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g
// What stands above the error's name: the place, the line and a mark below it.
const ABOVE = /^([\s\S]*?)\n+SyntaxError/

/** The same error, its stack led by the place where that can be told. No module is run for it. */
export function locateSyntaxError (error: SyntaxError, entry: string): SyntaxError {
  if (!isPlaceless(error.stack ?? '')) return error
  for (const file of importsOf(entry)) {
    const place = check(file)
    if (place === undefined) continue
    error.stack = `${place}\n\n${error.stack ?? error.message}`
    break
  }
  return error
}

/** What the loader throws leads into Node; one of JSON.parse, say, to its caller. */
function isPlaceless (stack: string): boolean {
  const [name = '', first = ''] = stack.split('\n')
  return name.startsWith('SyntaxError') && (first === '' || first.includes('(node:internal/'))
}

function check (file: string): string | undefined {
  const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: CHECK_TIMEOUT })
  return status === 0 ? undefined : ABOVE.exec(stderr)?.[1]
}

/** The entry and what it imports by a relative path, at any depth, as far as that can be read off the text. */
function importsOf (entry: string): Iterable<string> {
  const files = new Set([entry])
  // A set goes on to what is added while it is walked.
  for (const file of files) {
    if (files.size > MOST_FILES) break
    for (const [, specifier = ''] of textOf(file).matchAll(IMPORTED)) {
      const imported = path.resolve(path.dirname(file), specifier)
      if (SCRIPT.test(imported) && existsSync(imported)) files.add(imported)
    }
  }
  return [...files].filter(file => SCRIPT.test(file))
}

function textOf (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
