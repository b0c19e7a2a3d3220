// Where workers listen when the primary accepts: a Unix socket for each in a folder that only this user may enter (a named pipe on Windows).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface PrivateSockets {
  readonly pathFor: (key: number) => string
  readonly remove: () => Promise<void>
}

/** mkdtemp makes the folder with mode 0700. */
export async function createPrivateSockets (): Promise<PrivateSockets> {
  if (process.platform === 'win32') {
    return { pathFor: key => `\\\\.\\pipe\\fastify-clusterize-${process.pid}-${key}`, remove: async () => {} }
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'fastify-clusterize-'))
  return {
    pathFor: key => path.join(folder, `${key}.sock`),
    remove: () => rm(folder, { recursive: true, force: true })
  }
}
