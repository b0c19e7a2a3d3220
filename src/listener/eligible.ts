// Who may get something new: workers that are unhealthy or shed only where no other is left.

interface Candidate {
  readonly accepts: () => boolean
  readonly fit: () => boolean
}

export function eligible<Worker extends Candidate> (workers: readonly Worker[]): readonly Worker[] {
  const accepting = workers.filter(worker => worker.accepts())
  const fit = accepting.filter(worker => worker.fit())
  return fit.length > 0 ? fit : accepting
}
