// Who may get something new: workers whose health check fails only where no other is left.

interface Candidate {
  readonly accepts: () => boolean
  readonly healthy: () => boolean
}

export function eligible<Worker extends Candidate> (workers: readonly Worker[]): readonly Worker[] {
  const accepting = workers.filter(worker => worker.accepts())
  const healthy = accepting.filter(worker => worker.healthy())
  return healthy.length > 0 ? healthy : accepting
}
