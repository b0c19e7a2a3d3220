// Talks to a cluster's admin server through its Unix socket.
import http from 'node:http'
import type { IncomingMessage } from 'node:http'
import { deserializeError } from '../errors.ts'
import type { SerializedError } from '../errors.ts'
import { CommandError, EXIT } from './exit-codes.ts'

export interface AdminClient {
  readonly path: string
  /** Resolves with the answer's JSON. Orders are answered when done, so they have no time limit of their own. */
  readonly ask: <Answer>(method: 'GET' | 'POST', url: string, body?: object) => Promise<Answer>
  /** An answer that goes on: its body as text, part by part, until it ends or the signal aborts. */
  readonly follow: (url: string, signal: AbortSignal) => AsyncGenerator<string>
}

/** What the server says of a failure. */
interface Failure { readonly message?: string, readonly code?: string, readonly cause?: SerializedError }

const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

export function adminClient (socketPath: string): AdminClient {
  const send = (method: string, path: string, body?: object, signal?: AbortSignal): Promise<IncomingMessage> => new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const request = http.request({ socketPath, method, path, headers, agent: false, ...signal === undefined ? {} : { signal } }, resolve)
    request.once('error', error => reject(notReached(error, socketPath)))
    request.end(text)
  })
  return {
    path: socketPath,
    async ask<Answer> (method: 'GET' | 'POST', url: string, body?: object) {
      const response = await send(method, url, body)
      const text = await textOf(response).catch(error => { throw notReached(error, socketPath) })
      const answer = parse(text, socketPath)
      if ((response.statusCode ?? 0) >= 400) throw refusal(answer)
      return answer as Answer
    },
    async * follow (url, signal) {
      const response = await send('GET', url, undefined, signal)
      if (response.statusCode !== 200) throw refusal(parse(await textOf(response), socketPath))
      try {
        for await (const part of response.setEncoding('utf8')) yield String(part)
      } catch (error) {
        throw notReached(error, socketPath)
      }
    }
  }
}

async function textOf (response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += String(part)
  return text
}

function parse (text: string, socketPath: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandError(`What answers at ${socketPath} is no admin server`, EXIT.none, 'name the admin socket of a cluster; clusterize start prints it')
  }
}

/** The error behind it keeps the worker's stack. */
function refusal (answer: unknown): Error {
  const { message, code, cause } = answer as Failure
  const error = new Error(message, cause === undefined ? {} : { cause: deserializeError(cause) })
  return code === undefined ? error : Object.assign(error, { code })
}

function notReached (error: unknown, socketPath: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EACCES') return new CommandError(`The socket ${socketPath} is another user's`, EXIT.none, 'run this command as the user who started the cluster')
  if (GONE.has(code)) return new CommandError(`No cluster answers at ${socketPath}`, EXIT.none, 'clusterize start <file>')
  return error
}
