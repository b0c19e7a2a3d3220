// Finds the cluster that a command is meant for: the one chosen, or the only one that runs.
import { once } from 'node:events'
import net from 'node:net'
import { adminSocketPath, listAdminSockets } from '../admin/socket-path.ts'
import type { AdminSocket } from '../admin/socket-path.ts'
import { adminClient } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import type { CommandLine } from './parse-command-line.ts'

const HOW_TO_START = 'clusterize start <file>; a cluster that is started by code needs the option "admin"'

/**
 * @throws CommandError when there is none, or more than one to choose from
 */
export async function findCluster ({ flags }: Pick<CommandLine, 'flags'>): Promise<AdminClient> {
  const [socket, name] = [flags.get('socket'), flags.get('name')]
  if (typeof socket === 'string' && name !== undefined) throw new CommandError('Give --socket or --name, not both', EXIT.usage)
  if (typeof socket === 'string') return adminClient(socket)
  if (typeof name === 'string') return byName(name)
  const running = await runningClusters()
  const [only] = running
  if (only === undefined) throw new CommandError('No cluster runs', EXIT.none, HOW_TO_START)
  if (running.length > 1) throw new CommandError(`${running.length} clusters run: ${namesOf(running)}`, EXIT.several, `say which: --name ${only.name}`)
  return adminClient(only.path)
}

async function byName (name: string): Promise<AdminClient> {
  const path = adminSocketPath(name)
  if (await isAlive({ name, path })) return adminClient(path)
  const running = await runningClusters()
  throw new CommandError(`No cluster "${name}" runs`, EXIT.none, running.length === 0 ? HOW_TO_START : `these do: ${namesOf(running)}`)
}

/** Sockets of clusters that were killed stay behind. */
async function runningClusters (): Promise<AdminSocket[]> {
  const sockets = await listAdminSockets()
  const alive = await Promise.all(sockets.map(isAlive))
  return sockets.filter((_, index) => alive[index] === true)
}

async function isAlive ({ path }: AdminSocket): Promise<boolean> {
  const socket = net.connect({ path })
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    // Another user's cluster is none of this user's; a full backlog is a busy one.
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
  } finally {
    socket.destroy()
  }
}

function namesOf (sockets: readonly AdminSocket[]): string {
  return [...new Set(sockets.map(({ name }) => name))].join(', ')
}
