// An order to replace one worker: whoever gives it is told when the replacement serves.
import { NoWorkerError, StoppedError } from '../errors.ts'
import type { EventSink, ScaleEvent, WorkerReadyEvent } from './events.ts'
import type { Supervisor } from './supervision.ts'

/**
 * @throws FST_CLUSTERIZE_NO_WORKER, FST_CLUSTERIZE_STOPPED
 */
export function recycleWorker (id: number, supervisor: Pick<Supervisor, 'handles' | 'dismiss'>, { emitter }: Pick<EventSink, 'emitter'>): Promise<Pick<WorkerReadyEvent, 'id' | 'pid' | 'generation'>> {
  // During a reload there may be two; the newer one is about to be the slot's.
  const worker = supervisor.handles().filter(handle => handle.slot === id && handle.state() === 'ready').at(-1)
  if (worker === undefined) return Promise.reject(new NoWorkerError(id))
  return new Promise((resolve, reject) => {
    const onReady = ({ id: slot, pid, generation }: WorkerReadyEvent): void => {
      if (slot !== id || pid === worker.pid) return
      forget()
      resolve({ id, pid, generation })
    }
    const onStop = (): void => {
      forget()
      reject(new StoppedError())
    }
    // Nobody will come into a slot that is no longer wanted.
    const onScale = (event: ScaleEvent): void => {
      if (event.state !== 'started' || event.to >= id) return
      forget()
      reject(new NoWorkerError(id))
    }
    const forget = (): void => {
      emitter.off('scale', onScale)
      emitter.off('worker-ready', onReady)
      emitter.off('stop', onStop)
    }
    emitter.on('worker-ready', onReady)
    emitter.on('scale', onScale)
    emitter.on('stop', onStop)
    supervisor.dismiss(worker, 'recycle')
  })
}
