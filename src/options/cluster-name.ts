// The name a cluster has where none is given: that of the package its script belongs to.
import path from 'node:path'
import { nearestPackage } from '../nearest-package.ts'

export const NAME: RegExp = /^[A-Za-z0-9][\w.-]{0,39}$/
const LONGEST = 40

/**
 * The name in the nearest package.json above `entry`, else the file's own, as far as it makes a file name.
 *
 * @param entry the script that was started, or the folder in which somebody looks for its cluster
 */
export function defaultName (entry: string | undefined): string {
  const from = path.resolve(entry ?? '.')
  return asName(nearestPackage(from)?.name ?? path.parse(from).name)
}

function asName (text: string): string {
  const name = text.replaceAll(/[^\w.-]/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, LONGEST)
  return name === '' ? 'app' : name
}
