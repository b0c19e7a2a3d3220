// Some tests need a tool of the platform: where it is missing they say so, since the product is not at fault.
import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/** Tells where the platform lacks what the test needs: it cannot fail there, and says so. */
export function lacks (t: TestContext, command: readonly [string, ...string[]]): boolean {
  const [file, ...args] = command
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8' })
  if (status === 0) return false
  t.diagnostic(`NOT TESTED HERE: "${command.join(' ')}" does not work on this platform: ${error?.message ?? stderr}`)
  return true
}
