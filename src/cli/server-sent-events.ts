// Reads a stream of server-sent events, as the admin server writes them. Pure.

export interface ServerSentEvent { readonly event: string, readonly data: string }

/** Takes text in whatever parts it comes. */
export async function * parseEvents (parts: AsyncIterable<string>): AsyncGenerator<ServerSentEvent> {
  let rest = ''
  for await (const part of parts) {
    const frames = (rest + part).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const event = parseFrame(frame)
      if (event !== undefined) yield event
    }
  }
}

/** Undefined for a comment. */
function parseFrame (frame: string): ServerSentEvent | undefined {
  const fields = new Map(frame.split('\n').map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')] as const
  }))
  const data = fields.get('data')
  return data === undefined ? undefined : { event: fields.get('event') ?? 'message', data }
}
