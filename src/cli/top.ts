// `clusterize top`: the status of a cluster, live, until a key ends it or the cluster goes.
import type { ClusterStatus } from '../admin/status.ts'
import { eventText } from './event-text.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import { findCluster } from './find-cluster.ts'
import type { CommandLine } from './parse-command-line.ts'
import { openScreen } from './screen.ts'
import type { Screen } from './screen.ts'
import { parseEvents } from './server-sent-events.ts'
import { topLines } from './top-view.ts'

const MOST_EVENTS = 100

export async function top (command: CommandLine): Promise<ExitCode> {
  const { stdin, stdout } = process
  if (!stdout.isTTY || !stdin.isTTY) throw new CommandError('top needs a terminal', EXIT.usage, 'clusterize status --json, for scripts')
  const cluster = await findCluster(command)
  const first = await cluster.ask<ClusterStatus>('GET', '/status')
  const quit = new AbortController()
  const view = createView(first)
  const screen = openScreen(stdin, stdout, { onQuit: () => quit.abort(), onResize: () => view.draw(screen) })
  let isShown = false
  try {
    view.draw(screen)
    for await (const { event, data } of parseEvents(cluster.follow('/events', quit.signal))) {
      view.take(event, JSON.parse(data) as object)
      // What happened before is told in one go: one frame for all of it.
      if (event === 'status' || isShown) view.draw(screen)
      isShown ||= event === 'status'
    }
  } catch (error) {
    if (!quit.signal.aborted) throw error
  } finally {
    screen.close()
  }
  if (!quit.signal.aborted) stdout.write(`${first.name} has stopped\n`)
  return EXIT.done
}

interface View {
  readonly take: (event: string, data: object) => void
  readonly draw: (screen: Screen) => void
}

function createView (first: ClusterStatus): View {
  let status = first
  let events: readonly string[] = []
  return {
    take (event, data) {
      // Its own program tells it, in the form this one knows.
      if (event === 'status') status = data as ClusterStatus
      const text = eventText(event, { ...data })
      if (text !== undefined) events = [...events, text].slice(-MOST_EVENTS)
    },
    draw: screen => screen.draw(topLines(status, events, screen.size()))
  }
}
