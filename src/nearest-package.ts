// Finds out which package a file belongs to.
import { readFileSync } from 'node:fs'
import path from 'node:path'

export interface Package { readonly name: string, readonly version: string | undefined }

/** Of the nearest package.json with a name, in `place` or above it. */
export function nearestPackage (place: string): Package | undefined {
  const found = read(path.join(place, 'package.json'))
  const parent = path.dirname(place)
  return found ?? (parent === place ? undefined : nearestPackage(parent))
}

function read (file: string): Package | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown, version?: unknown }
    return typeof name === 'string' ? { name, version: typeof version === 'string' ? version : undefined } : undefined
  } catch {
    return undefined
  }
}
