// One line for an event of a cluster. Pure.

/** `12:30:01  worker 2 (process 4711) ready`; undefined for one that is not told. */
export function eventText (event: string, data: Readonly<Record<string, unknown>>): string | undefined {
  const text = textOf(event, data)
  return text === undefined ? undefined : `${new Date(Number(data['at'])).toTimeString().slice(0, 8)}  ${text}`
}

function textOf (event: string, data: Readonly<Record<string, unknown>>): string | undefined {
  const worker = `worker ${String(data['id'])} (process ${String(data['pid'])})`
  switch (event) {
    case 'worker-ready': return `${worker} ready`
    case 'worker-exit': return `${worker} ended: ${String(data['reason'])}`
    case 'reload': return `reload to generation ${String(data['generation'])} ${String(data['state'])}${messageOf(data['error'])}`
    case 'scale': return data['state'] === 'started' ? `scaling from ${String(data['from'])} to ${String(data['to'])}` : `scaled to ${String(data['workers'])}`
    case 'stop': return `stopping: ${String(data['reason'])}`
    default: return undefined
  }
}

function messageOf (error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? `: ${String(error.message)}` : ''
}
