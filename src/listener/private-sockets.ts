// Where workers listen when the primary accepts: a Unix socket for each in a folder that only this user may enter (a named pipe on Windows).
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface PrivateSockets {
  readonly pathFor: (key: number) => string
  /** At once, since the process may be about to exit. */
  readonly remove: () => void
}

/** mkdtemp makes the folder with mode 0700. */
export async function createPrivateSockets (): Promise<PrivateSockets> {
  if (process.platform === 'win32') {
    return { pathFor: key => `\\\\.\\pipe\\fastify-clusterize-${process.pid}-${key}`, remove: () => {} }
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'fastify-clusterize-'))
  return {
    pathFor: key => path.join(folder, `${key}.sock`),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
