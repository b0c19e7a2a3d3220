// One request on a connection of its own.
import http from 'node:http'
import type { IncomingHttpHeaders, RequestOptions } from 'node:http'

export interface Got { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string }

export function get (options: RequestOptions): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent: false, ...options }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => { body += text })
      response.once('error', reject).once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.once('error', reject)
    request.end()
  })
}
