// A cluster with an admin server in a runtime folder of its own, and ways to ask it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { ClusterStatus } from '../../src/admin/status.ts'

export const TOKEN = 'a-token-of-some-length'

export interface Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string, readonly json: Record<string, unknown> }

export interface AskOptions {
  readonly method?: string
  readonly json?: unknown
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type Where = { readonly socketPath: string } | { readonly host: string, readonly port: number, readonly agent?: http.Agent }

export function runtimeFolder (t: TestContext): { env: { XDG_RUNTIME_DIR: string }, socketOf: (name: string) => string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'run-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { env: { XDG_RUNTIME_DIR: folder }, socketOf: name => path.join(folder, 'fastify-clusterize', `${name}.sock`) }
}

export function ask (where: Where, url: string, { method = 'GET', json, body, headers = {} }: AskOptions = {}): Promise<Answer> {
  const sent = json === undefined ? body : JSON.stringify(json)
  return new Promise((resolve, reject) => {
    const request = http.request({ agent: false, ...where, method, path: url, headers: { ...json === undefined ? {} : { 'content-type': 'application/json' }, ...headers } }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => { text += part })
      response.once('error', reject).once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, json: parse(text) }))
    })
    request.once('error', reject)
    request.end(sent)
  })
}

export async function statusOf (where: Where): Promise<ClusterStatus> {
  const { status, json } = await ask(where, '/status')
  assert.equal(status, 200)
  return json as unknown as ClusterStatus
}

function parse (text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
