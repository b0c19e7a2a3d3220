// Connections to a worker of the test's choice, and requests that stay in flight until the test lets them finish.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type net from 'node:net'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection, Response } from '../helpers/http-connection.ts'

// Which worker accepts is chance, so a worker that is never met in so many connections does not accept.
const TRIES = 2_000

export interface Held {
  readonly connection: HttpConnection
  /** Sends the rest of the request and reads the answer. */
  readonly finish: () => Promise<Response>
  /** Settles with the answer, however it comes. */
  readonly answer: Promise<Response>
}

/** A keep-alive connection, on which one request was answered by the worker of this slot. */
export async function connectToSlot (target: net.NetConnectOpts, slot: number): Promise<HttpConnection> {
  for (let tries = 0; tries < TRIES; tries++) {
    const connection = await connect(target)
    const { headers } = await connection.get('/')
    if (headers['x-worker-id'] === String(slot)) return connection
    connection.close()
  }
  return assert.fail(`worker ${slot} accepted none of ${TRIES} connections`)
}

/** Begins a request whose body is not all there; resolves once the app works on it. */
export async function holdRequest (connection: HttpConnection): Promise<Held> {
  const answer = connection.read()
  answer.catch(() => {})
  const begun = once(connection.socket, 'data')
  // The `100 Continue` that answers it is sent in the same turn in which the app's hooks begin.
  connection.write('POST /echo HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-type: application/octet-stream\r\ncontent-length: 4\r\n\r\nab')
  await begun
  return {
    connection,
    answer,
    finish () {
      connection.write('cd')
      return answer
    }
  }
}
