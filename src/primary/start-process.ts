// Starts the process of one worker; where the system does not let it, that is an end like any other.
import cluster from 'node:cluster'
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'

/** Emits 'exit', without a code or a signal, behind the 'error' of a process that could not be started. */
export function startProcess (environment: Readonly<Record<string, string>>): ChildProcess {
  const child = fork(environment)
  // Node tells only of the error then (ENOENT after Node itself was moved, EAGAIN, EMFILE), and no end ever comes.
  if (child.pid === undefined) child.once('error', () => process.nextTick(() => child.emit('exit', null, null)))
  return child
}

/** What Node throws in place of an 'error' (ENOMEM) comes as one. */
function fork (environment: Readonly<Record<string, string>>): ChildProcess {
  try {
    const worker = cluster.fork(environment)
    // It repeats the errors of its process, and one that nobody listens for would be thrown here.
    worker.on('error', () => {})
    return worker.process
  } catch (error) {
    const none = Object.assign(new EventEmitter(), { connected: false, kill: () => false }) as unknown as ChildProcess
    process.nextTick(() => none.emit('error', error))
    return none
  }
}
