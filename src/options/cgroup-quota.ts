// Reads the CPU quota of this process's cgroup (v2 and v1), which Node 20 does not look at.
import { readFileSync } from 'node:fs'
import path from 'node:path'

type ReadText = (file: string) => string | undefined
interface Membership { readonly version: 1 | 2, readonly path: string }

const ROOT = '/sys/fs/cgroup'

/** CPUs' worth of time the cgroup and its ancestors grant (2.5 = two and a half CPUs); Infinity without a limit or without cgroups. */
export function cgroupCpuQuota (read: ReadText = readText): number {
  const memberships = parseMemberships(read('/proc/self/cgroup') ?? '')
  return Math.min(Infinity, ...memberships.flatMap(({ version, path: own }) =>
    ancestors(own).map(directory => version === 2 ? quotaOfV2(directory, read) : quotaOfV1(directory, read))))
}

/** Lines of /proc/self/cgroup: `0::/path` is version 2, `4:cpu,cpuacct:/path` a version 1 hierarchy. */
function parseMemberships (table: string): Membership[] {
  return table.split('\n').flatMap((line): Membership[] => {
    const [id, controllers, ...rest] = line.split(':')
    const own = rest.join(':')
    if (id === '0' && controllers === '') return [{ version: 2, path: own }]
    return controllers?.split(',').includes('cpu') === true ? [{ version: 1, path: own }] : []
  })
}

/** The cgroup and all above it: a limit on any of them holds. In a container the path may name the host's view, so the mount's root counts too. */
function ancestors (own: string): string[] {
  const found = ['/']
  for (let at = path.posix.normalize(own); at !== '/' && at !== '.'; at = path.posix.dirname(at)) found.push(at)
  return found
}

function quotaOfV2 (directory: string, read: ReadText): number {
  const [quota, period] = (read(path.posix.join(ROOT, directory, 'cpu.max')) ?? '').trim().split(' ')
  return ratio(quota, period)
}

function quotaOfV1 (directory: string, read: ReadText): number {
  const file = (mount: string, name: string): string | undefined => read(path.posix.join(ROOT, mount, directory, name))
  const mount = file('cpu', 'cpu.cfs_quota_us') === undefined ? 'cpu,cpuacct' : 'cpu'
  return ratio(file(mount, 'cpu.cfs_quota_us')?.trim(), file(mount, 'cpu.cfs_period_us')?.trim())
}

/** `max` and -1 mean no limit. */
function ratio (quota: string | undefined, period: string | undefined): number {
  const cpus = Number(quota) / Number(period)
  return cpus > 0 ? cpus : Infinity
}

function readText (file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // No cgroups here (macOS, Windows, a hidden /sys): no limit is known.
    return undefined
  }
}
