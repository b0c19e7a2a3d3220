// How many CPUs' worth of time a cgroup grants, read from files as Linux writes them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cgroupCpuQuota } from '../../src/options/cgroup-quota.ts'

const CGROUP = '/sys/fs/cgroup'

/** The quota on a machine with these files and no others. */
function quota (self: string | undefined, files: Record<string, string> = {}): number {
  return cgroupCpuQuota(file => file === '/proc/self/cgroup' ? self : files[file])
}

/** The two files of version 1 in one directory. */
function v1 (directory: string, quotaUs: string, periodUs = '100000\n'): Record<string, string> {
  return { [`${CGROUP}/${directory}/cpu.cfs_quota_us`]: quotaUs, [`${CGROUP}/${directory}/cpu.cfs_period_us`]: periodUs }
}

const V1_TABLE = '12:pids:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n'

const CASES: ReadonlyArray<readonly [behaviour: string, actual: () => number, expected: number]> = [
  ['without /proc there is no limit', () => quota(undefined), Infinity],
  ['without cgroups there is no limit', () => quota(''), Infinity],
  ['version 2: quota over period', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: '200000 100000\n' }), 2],
  ['version 2: a fraction stays one', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: '250000 100000\n' }), 2.5],
  ['version 2: less than one CPU', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: '50000 100000\n' }), 0.5],
  ['version 2: another period', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: '30000 10000\n' }), 3],
  ['version 2: "max" is no limit', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: 'max 100000\n' }), Infinity],
  ['version 2: the smallest limit among the ancestors holds', () => quota('0::/a.slice/b.service/c\n', {
    [`${CGROUP}/a.slice/cpu.max`]: '150000 100000\n',
    [`${CGROUP}/a.slice/b.service/cpu.max`]: 'max 100000\n',
    [`${CGROUP}/a.slice/b.service/c/cpu.max`]: '400000 100000\n'
  }), 1.5],
  ['version 2: the limit may be on the innermost group alone', () => quota('0::/a/b\n', { [`${CGROUP}/a/b/cpu.max`]: '100000 100000' }), 1],
  ['version 2: in a container the path may lead out of the mount, whose root counts', () => quota('0::/../../outer\n', { [`${CGROUP}/cpu.max`]: '300000 100000\n' }), 3],
  ['version 2: a path with a colon', () => quota('0::/a:b\n', { [`${CGROUP}/a:b/cpu.max`]: '100000 100000\n' }), 1],
  ['version 2: a file that says nothing is no limit', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: '' }), Infinity],
  ['version 2: nonsense is no limit', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: 'a b\n' }), Infinity],
  ['version 2: a period of zero is no limit', () => quota('0::/\n', { [`${CGROUP}/cpu.max`]: '0 0\n' }), Infinity],
  ['version 1: quota over period, mounted as cpu', () => quota(V1_TABLE, v1('cpu/docker/abc', '150000\n')), 1.5],
  ['version 1: mounted as cpu,cpuacct', () => quota(V1_TABLE, v1('cpu,cpuacct/docker/abc', '150000\n')), 1.5],
  ['version 1: -1 is no limit', () => quota(V1_TABLE, v1('cpu/docker/abc', '-1\n')), Infinity],
  ['version 1: in a container only the mount\'s root is there', () => quota(V1_TABLE, v1('cpu', '400000\n')), 4],
  ['version 1: the parent\'s limit holds', () => quota(V1_TABLE, { ...v1('cpu/docker/abc', '-1\n'), ...v1('cpu/docker', '200000\n') }), 2],
  ['version 1: a quota without its period is no limit', () => quota(V1_TABLE, { [`${CGROUP}/cpu/docker/abc/cpu.cfs_quota_us`]: '100000\n' }), Infinity],
  ['version 1: cpuset is not cpu', () => quota('3:cpuset:/x\n', v1('cpu/x', '100000\n')), Infinity],
  ['both versions: the smaller limit holds', () => quota(`${V1_TABLE}0::/x\n`, { ...v1('cpu/docker/abc', '400000\n'), [`${CGROUP}/x/cpu.max`]: '300000 100000\n' }), 3]
]

for (const [behaviour, actual, expected] of CASES) {
  void test(behaviour, () => { assert.equal(actual(), expected) })
}

void test('on this very machine it is a positive number or no limit', () => {
  assert.ok(cgroupCpuQuota() > 0)
})
