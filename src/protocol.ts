// What primary and worker say to each other: data only, one union for each direction.
import type { SerializedError } from './errors.ts'
import type { HandoffToPrimary, HandoffToWorker } from './handoff/messages.ts'

/** A bound address as Node reports it: TCP, or the path of a Unix socket. */
export type BoundAddress = { address: string, family: string, port: number } | string

/** Why a worker is asked to end: the whole cluster stops, or only this worker goes while siblings stay. */
export type DrainMode = 'stop' | 'retire'

/** One request that a worker is working on. */
export interface RequestInFlight { method: string, url: string, ms: number }

/** What a worker is doing at this moment. */
export interface Activity {
  phase: string
  connections: number
  requests: RequestInFlight[]
}

/** How a worker gets one of its listening sockets: with the reply's handle, or by listening itself. */
export type ListenGrant =
  | { kind: 'handle', address: BoundAddress, more: boolean }
  | { kind: 'native' }

export type ToPrimary =
  | { type: 'booting' }
  | { type: 'listen', index: number }
  | { type: 'ready', addresses: BoundAddress[], handsOff: boolean }
  | { type: 'boot-failed', error: SerializedError }
  | { type: 'crashed', error: SerializedError }
  | { type: 'signal', signal: string }
  | HandoffToPrimary

export type ToWorker =
  | { type: 'drain', mode: DrainMode, timeout: number }
  | { type: 'activity' }
  | HandoffToWorker

/** The messages that are answered, and with what. */
export interface Replies {
  listen: ListenGrant
  activity: Activity
  'boot-failed': null
  crashed: null
}
