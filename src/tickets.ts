// Whether what the primary has sent to a worker may still be taken back: a file goes with it, and whoever removes the file has it. No message could tell, since a worker whose loop is kept reads none.
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface Tickets {
  /** The path of a new one; undefined where none can be made. */
  readonly issue: () => string | undefined
  /** Issues none any more; those that are out stay valid. False where it did not anyway. */
  readonly stop: () => boolean
}

/** In memory where the system says so: a disk that is busy would hold the primary up. Both are sticky where others may write: nobody else removes a file of ours. */
const FOLDERS = process.platform === 'linux' ? ['/dev/shm', tmpdir()] : [tmpdir()]

export function createTickets (folders: readonly string[] = FOLDERS): Tickets {
  const name = `fastify-clusterize-${randomUUID()}`
  let folder = folders.find(each => {
    const ticket = path.join(each, name)
    return create(ticket) && redeem(ticket)
  })
  let last = 0
  return {
    issue () {
      if (folder === undefined) return undefined
      const ticket = path.join(folder, `${name}-${++last}`)
      return create(ticket) ? ticket : undefined
    },
    stop () {
      const issued = folder !== undefined
      folder = undefined
      return issued
    }
  }
}

/** False on a full disk, in a folder that this user may not write to, with no descriptor left. */
function create (ticket: string): boolean {
  try {
    closeSync(openSync(ticket, 'wx', 0o600))
    return true
  } catch {
    return false
  }
}

/** True for one of all the processes that try, since to remove a name is atomic; for none of them where the file was removed by others, or they may not. */
export function redeem (ticket: string): boolean {
  try {
    unlinkSync(ticket)
    return true
  } catch {
    return false
  }
}
