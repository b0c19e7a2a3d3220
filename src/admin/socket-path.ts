// Where the admin sockets of this user's clusters are, for the server and for whoever looks for one.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

const OWN = 'fastify-clusterize'
const ENDING = '.sock'
const PIPES = '\\\\.\\pipe\\'

export interface AdminSocket { readonly name: string, readonly path: string }

/**
 * The folders that may hold admin sockets of this user, the preferred one first.
 * A service often has no XDG_RUNTIME_DIR where its user's shell has one, so both are looked into.
 */
export function adminFolders (environment: NodeJS.ProcessEnv = process.env): string[] {
  const runtime = environment['XDG_RUNTIME_DIR']
  const temporary = path.join(os.tmpdir(), `${OWN}-${process.getuid?.() ?? os.userInfo().username}`)
  return runtime === undefined || !path.isAbsolute(runtime) ? [temporary] : [path.join(runtime, OWN), temporary]
}

/** The admin socket of the cluster `name`: where it is, or else where it would be. It need not be alive. */
export function adminSocketPath (name: string, environment: NodeJS.ProcessEnv = process.env): string {
  if (process.platform === 'win32') return `${PIPES}${pipePrefix()}${name}`
  const paths = adminFolders(environment).map(folder => socketIn(folder, name))
  return paths.find(existing => existsSync(existing)) ?? paths[0] ?? ''
}

/** Every admin socket of this user, by name. Some may be stale. */
export async function listAdminSockets (environment: NodeJS.ProcessEnv = process.env): Promise<AdminSocket[]> {
  const found = process.platform === 'win32' ? await listPipes() : await Promise.all(adminFolders(environment).map(listFolder))
  return found.flat().toSorted((a, b) => a.name < b.name ? -1 : 1)
}

export function socketIn (folder: string, name: string): string {
  return path.join(folder, name + ENDING)
}

/** A folder that is not there has no sockets. */
async function listFolder (folder: string): Promise<AdminSocket[]> {
  const files = await readdir(folder).catch(() => [])
  return files.filter(file => file.endsWith(ENDING)).map(file => ({ name: file.slice(0, -ENDING.length), path: path.join(folder, file) }))
}

async function listPipes (): Promise<AdminSocket[]> {
  const pipes = await readdir(PIPES).catch(() => [])
  return pipes.filter(pipe => pipe.startsWith(pipePrefix())).map(pipe => ({ name: pipe.slice(pipePrefix().length), path: PIPES + pipe }))
}

function pipePrefix (): string {
  return `${OWN}-${os.userInfo().username}-`
}
