// A server of the test's own process, on a port of its choice, whose connections end with the test.
import { once } from 'node:events'
import type http from 'node:http'
import type { TestContext } from 'node:test'

/** Resolves once it listens. */
export async function listening (t: TestContext, server: http.Server): Promise<void> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
}
