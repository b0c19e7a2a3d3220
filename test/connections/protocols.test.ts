// Apps over HTTPS and HTTP/2 with each way to reach a worker.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startCluster } from './setup.ts'

const schedulings = ['kernel', 'connection', 'request', 'round-robin'] as const

for (const scheduling of schedulings) {
  void test(`an HTTPS app is served (${scheduling})`, async t => {
    const { target } = await startCluster(t, { options: { workers: 2, scheduling }, server: { kind: 'https', ...certificate(t) } })
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
      const { target } = await startCluster(t, { options: { workers: 2, scheduling }, server: { kind, ...kind === 'h2' ? certificate(t) : {} } })
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

function certificate (t: TestContext): { key: string, cert: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'cert-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}
