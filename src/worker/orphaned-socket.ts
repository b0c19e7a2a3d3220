// Removes this worker's private socket as it ends; where the primary was killed, the last worker takes the folder along.
import { rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'

// How long a primary that is being killed may take from the end of its channels to its own, and how often that is looked for, in ms.
const LONGEST_DEATH = 2_000
const LOOK_EVERY = 5

/** Named pipes of Windows go with their process. */
export function removeAtExit (socket: string): void {
  if (process.platform === 'win32') return
  const primary = process.ppid
  process.once('exit', () => {
    try {
      rmSync(socket, { force: true })
      if (!process.connected && isOrphan(primary)) rmdirSync(path.dirname(socket))
    } catch {
      // Others have theirs in it, one of them was sooner, or this worker has become another user.
    }
  })
}

/** While the primary lives, whatever ended the channel, the folder is for workers that are yet to come. An orphan has another parent. */
function isOrphan (primary: number): boolean {
  const until = performance.now() + LONGEST_DEATH
  while (process.ppid === primary && performance.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY)
  return process.ppid !== primary
}
