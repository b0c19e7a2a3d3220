// Many keep-alive connections that never retry: requests in random pieces, random pauses, and a reason for everything that fails.
import type net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from './http-connection.ts'
import type { HttpConnection, Response } from './http-connection.ts'

export interface LoadOptions {
  readonly target: net.NetConnectOpts
  readonly connections: number
  readonly random: () => number
  readonly path?: string
  /** Longest pause between two requests of a connection, in ms. */
  readonly think?: number
  /** Whether each request leaves in pieces with pauses between. */
  readonly pieces?: boolean
  /** Open a new connection after one has ended. Default: only after an announced end. */
  readonly reconnect?: 'always' | 'after-announced' | 'never'
}

export interface LoadReport {
  readonly answered: number
  readonly statuses: Readonly<Record<string, number>>
  readonly workers: ReadonlySet<string>
  /** Requests that were sent and got no answer, with the reason. */
  readonly failures: readonly string[]
  /** Connections the server ended. */
  readonly endings: Readonly<Record<'announced' | 'idle' | 'cut', number>>
  readonly refused: number
}

export interface Load {
  readonly report: () => LoadReport
  /** Resolves once so many requests have been answered. */
  readonly reached: (answered: number) => Promise<void>
  /** Lets requests in flight finish. */
  readonly stop: () => Promise<LoadReport>
}

export function startLoad (options: LoadOptions): Load {
  const { target, connections, random, path = '/', think = 0, pieces = true, reconnect = 'after-announced' } = options
  const statuses: Record<string, number> = {}
  const workers = new Set<string>()
  const failures: string[] = []
  const endings = { announced: 0, idle: 0, cut: 0 }
  const goals: Array<{ readonly at: number, readonly resolve: () => void }> = []
  let answered = 0
  let refused = 0
  let state: 'running' | 'stopping' = 'running'

  const note = ({ status, headers }: Response): void => {
    answered++
    statuses[status] = (statuses[status] ?? 0) + 1
    workers.add(headers['x-worker-id'] ?? 'none')
    for (const goal of goals) if (answered >= goal.at) goal.resolve()
  }

  const exchange = async (client: HttpConnection): Promise<boolean> => {
    const bytes = `GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`
    const answer = client.read()
    answer.catch(() => {})
    try {
      await send(client, bytes, pieces ? random : undefined)
      note(await answer)
      return true
    } catch (error) {
      failures.push(error instanceof Error ? `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`.trim() : String(error))
      return false
    }
  }

  const run = async (): Promise<void> => {
    while (state === 'running') {
      const client = await connect(target).catch(() => undefined)
      if (client === undefined) {
        refused++
        if (reconnect !== 'always') return
        await sleep(10)
        continue
      }
      let over = false
      void client.ended.then(how => {
        over = true
        endings[how]++
      })
      while (state === 'running' && !over && !client.isEnding()) {
        if (!await exchange(client)) break
        if (think > 0) await Promise.race([sleep(random() * think), client.ended])
      }
      const how = client.isEnding() || over ? await client.ended : undefined
      client.close()
      if (reconnect === 'never' || (reconnect === 'after-announced' && how !== 'announced')) return
    }
  }

  const running = Array.from({ length: connections }, run)
  const report = (): LoadReport => ({ answered, statuses, workers, failures, endings, refused })
  return {
    report,
    reached: at => new Promise(resolve => { goals.push({ at: answered + at, resolve }) }),
    async stop () {
      state = 'stopping'
      await Promise.all(running)
      return report()
    }
  }
}

/** In up to four pieces, cut anywhere, with pauses of up to 3 ms. */
async function send (client: HttpConnection, bytes: string, random: (() => number) | undefined): Promise<void> {
  let from = 0
  for (let cuts = random === undefined ? 0 : Math.floor(random() * 4); cuts > 0; cuts--) {
    const to = from + Math.floor((random?.() ?? 0) * (bytes.length - from))
    if (to > from) client.write(bytes.slice(from, to))
    from = to
    await sleep(Math.floor((random?.() ?? 0) * 4))
  }
  client.write(bytes.slice(from))
}
