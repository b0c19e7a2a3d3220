// Apps over HTTPS and HTTP/2 with each way to reach a worker.
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import https from 'node:https'
import { test } from 'node:test'
import { createCertificate } from '../helpers/certificate.ts'
import { startCluster } from './setup.ts'

const schedulings = ['kernel', 'connection', 'request', 'round-robin'] as const

for (const scheduling of schedulings) {
  void test(`an HTTPS app is served (${scheduling})`, async t => {
    const { target } = await startCluster(t, { options: { workers: 1, scheduling }, server: { kind: 'https', ...createCertificate() } })
    for (let count = 0; count < 4; count++) {
      const status = await new Promise((resolve, reject) => {
        https.get({ ...target, agent: false, rejectUnauthorized: false }, response => {
          response.resume()
          resolve(response.statusCode)
        }).once('error', reject)
      })
      assert.equal(status, 200)
    }
  })

  for (const kind of ['h2', 'h2c'] as const) {
    void test(`an HTTP/2 app is served, ${kind === 'h2' ? 'secure' : 'cleartext'} (${scheduling})`, async t => {
      const { target } = await startCluster(t, { options: { workers: 1, scheduling }, server: { kind, ...kind === 'h2' ? createCertificate() : {} } })
      const { host, port } = target as { host: string, port: number }
      const session = http2.connect(`${kind === 'h2' ? 'https' : 'http'}://${host}:${port}`, { rejectUnauthorized: false })
      t.after(() => session.destroy())
      for (let count = 0; count < 3; count++) {
        const stream = session.request({ ':path': '/' })
        const status = await new Promise((resolve, reject) => {
          stream.once('response', headers => resolve(headers[':status'])).once('error', reject)
          stream.resume()
        })
        assert.equal(status, 200)
      }
    })
  }
}
