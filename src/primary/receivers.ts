// Who gets a connection that changes hands: the ready workers in turn, never the one that gave it.
import type { ChooseReceiver, Member } from '../handoff/relay.ts'
import type { WorkerHandle } from './worker-handle.ts'

export function createReceivers (workers: () => readonly WorkerHandle[]): ChooseReceiver {
  let last = 0
  return (from, refused) => {
    const ready = workers().filter(worker => worker.state() === 'ready' && worker !== from && !refused.has(worker as Member))
    // Keys grow with each fork, so the next higher one is the next in turn.
    const next = ready.find(({ key }) => key > last) ?? ready[0]
    last = next?.key ?? last
    return next
  }
}
