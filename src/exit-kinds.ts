// The ways in which a worker can end: a fixed set, to count by.

export const EXIT_KINDS = [
  'stopped', 'retired', 'recycled', 'unhealthy',
  'killed-hang', 'killed-boot-timeout', 'killed-drain-timeout', 'killed-forced',
  'oom-kill', 'heap-out-of-memory', 'aborted', 'segfault',
  'uncaught-error', 'boot-failed', 'exit-code', 'signal'
] as const
export type ExitKind = typeof EXIT_KINDS[number]
