// Binds the admin server's Unix socket so that nobody but this user can ever connect to it, in place of one that a dead cluster left.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstat, mkdir, rename, unlink } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { AdminSocketError, AdminTakenError } from '../errors.ts'
import { adminFolders, adminSocketPath, socketIn } from './socket-path.ts'

const FOLDER_MODE = 0o700
const OTHERS = 0o077
/** A socket is made with 0777 less these bits: 0600 is left. */
const UMASK = 0o177
const ATTEMPTS = 3

/**
 * Listens on `given`, or in this user's runtime folder under the cluster's name. Resolves with the path.
 *
 * @throws FST_CLUSTERIZE_ADMIN_TAKEN when a live server is there, FST_CLUSTERIZE_ADMIN_SOCKET
 */
export async function bindAdminSocket (server: net.Server, name: string, given: string | undefined): Promise<string> {
  const place = given ?? await usualPlace(name)
  try {
    await bind(server, place, ATTEMPTS)
  } catch (cause) {
    if (cause instanceof AdminTakenError || cause instanceof AdminSocketError) throw cause
    throw new AdminSocketError(place, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  return place
}

async function usualPlace (name: string): Promise<string> {
  if (process.platform === 'win32') return adminSocketPath(name)
  const failures: string[] = []
  for (const folder of adminFolders()) {
    const failure = await prepare(folder)
    if (failure === undefined) return socketIn(folder, name)
    failures.push(failure)
  }
  throw new AdminSocketError(name, failures.join('; '))
}

/** Makes sure that the folder is there and this user's alone: the one for temporary files is everybody's. Returns what is wrong. */
async function prepare (folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode: FOLDER_MODE })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return error instanceof Error ? error.message : String(error)
  }
  const found = await lstat(folder)
  const isPrivate = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & OTHERS) === 0
  return isPrivate ? undefined : `${folder} is not a folder of this user's alone (mode 0700)`
}

async function bind (server: net.Server, place: string, attempts: number): Promise<void> {
  try {
    await listenAsOwner(server, place)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error
    if (attempts === 0 || await isAlive(place)) throw new AdminTakenError(place)
    await removeStale(place)
    await bind(server, place, attempts - 1)
  }
}

/** Node binds a path within this call, so nobody meets the socket with a wider mode, nor another file of this process a narrower one. */
async function listenAsOwner (server: net.Server, place: string): Promise<void> {
  const previous = process.umask(UMASK)
  try {
    server.listen({ path: place })
  } finally {
    process.umask(previous)
  }
  await once(server, 'listening')
}

/** Whoever accepts, lives; so does one whose backlog is full. */
async function isAlive (place: string): Promise<boolean> {
  const socket = net.connect({ path: place })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    return codeOf(error) === 'EAGAIN'
  } finally {
    socket.destroy()
  }
}

/** Moved aside before it is judged again: another cluster that starts may have bound its own here meanwhile, which goes back. */
async function removeStale (place: string): Promise<void> {
  const found = await lstat(place).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw new AdminSocketError(path.resolve(place), 'there is a file that is not a socket')
  // Hardly longer than the shortest name, since the path of a socket has little room.
  const aside = path.join(path.dirname(place), `.${randomBytes(3).toString('hex')}`)
  try {
    await rename(place, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (!await isAlive(aside)) return unlink(aside)
  await rename(aside, place)
  throw new AdminTakenError(place)
}

function codeOf (error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
