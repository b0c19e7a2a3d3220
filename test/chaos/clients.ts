// Keep-alive clients that never retry and check every byte: what fails, fails with the number of its request and the time it was sent.
import { createHash, randomBytes } from 'node:crypto'
import type net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../helpers/http-connection.ts'
import type { HttpConnection } from '../helpers/http-connection.ts'

export interface Failure { readonly request: number, readonly sentAt: number, readonly failedAt: number, readonly reason: string }

export interface Clients {
  readonly answered: () => number
  readonly failures: readonly Failure[]
  /** Answers that were wrong: a status, a checksum, somebody else's answer. */
  readonly wrong: readonly string[]
  readonly stop: () => Promise<void>
}

const MOST_BYTES = 30_000
const THINK = 30
// Longer than any worker may stand still, and as long as the queue of the cluster lets one wait: all workers may be dead at once, and a busy machine takes its time to boot the next.
const PATIENCE = 60_000

export function startClients (target: net.NetConnectOpts, count: number): Clients {
  const failures: Failure[] = []
  const wrong: string[] = []
  let answered = 0
  let lastRequest = 0
  let stopping = false

  const exchange = async (client: HttpConnection): Promise<boolean> => {
    const request = ++lastRequest
    const body = randomBytes(Math.floor(Math.random() * MOST_BYTES))
    const sentAt = Date.now()
    const late = setTimeout(() => client.socket.destroy(new Error('no answer')), PATIENCE)
    try {
      const answer = client.read()
      answer.catch(() => {})
      const head = Buffer.from(`POST /sum HTTP/1.1\r\nhost: chaos\r\nx-request: ${request}\r\ncontent-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n\r\n`)
      const cut = Math.floor(Math.random() * (head.length + body.length))
      const bytes = Buffer.concat([head, body])
      client.write(bytes.subarray(0, cut))
      if (Math.random() < 0.3) await sleep(Math.random() * 5)
      client.write(bytes.subarray(cut))
      const { status, body: text } = await answer
      check(request, status, text, body)
      answered++
      return true
    } catch (error) {
      failures.push({ request, sentAt, failedAt: Date.now(), reason: String(error) })
      return false
    } finally {
      clearTimeout(late)
    }
  }

  const check = (request: number, status: number, text: string, body: Buffer): void => {
    if (status !== 200) return void wrong.push(`request ${request} was answered ${status}: ${text.slice(0, 200)}`)
    const { sum, answer, answerSum } = JSON.parse(text) as { sum: string, answer: string, answerSum: string }
    const sha1 = (data: string | Buffer): string => createHash('sha1').update(data).digest('hex')
    if (sum !== sha1(body) || answerSum !== sha1(answer)) wrong.push(`request ${request} has a wrong checksum`)
  }

  const run = async (): Promise<void> => {
    while (!stopping) {
      const client = await connect(target).catch(() => undefined)
      if (client === undefined) {
        wrong.push('a connection was refused')
        await sleep(50)
        continue
      }
      let over = false
      void client.ended.then(() => { over = true })
      while (!stopping && !over && !client.isEnding()) {
        if (!await exchange(client)) break
        await Promise.race([sleep(Math.random() * THINK), client.ended])
      }
      client.close()
    }
  }

  const running = Array.from({ length: count }, run)
  return {
    answered: () => answered,
    failures,
    wrong,
    async stop () {
      stopping = true
      await Promise.all(running)
    }
  }
}
