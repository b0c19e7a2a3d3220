// Where workers listen when the primary accepts: a Unix socket for each in a folder that only this user may enter (a named pipe on Windows).
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface PrivateSockets {
  readonly pathFor: (key: number) => string
  /** A worker that was killed left its own; then the last that outlives the primary would not find the folder empty. */
  readonly removeOf: (key: number) => void
  /** At once, since the process may be about to exit. */
  readonly remove: () => void
}

/** mkdtemp makes the folder with mode 0700. */
export async function createPrivateSockets (): Promise<PrivateSockets> {
  if (process.platform === 'win32') {
    return { pathFor: key => `\\\\.\\pipe\\fastify-clusterize-${process.pid}-${key}`, removeOf: () => {}, remove: () => {} }
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'fastify-clusterize-'))
  const pathFor = (key: number): string => path.join(folder, `${key}.sock`)
  return {
    pathFor,
    removeOf: key => rmSync(pathFor(key), { force: true }),
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
