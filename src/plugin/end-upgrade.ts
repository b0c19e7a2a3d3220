// An upgrade that gets an answer like any other request: Node has let go of its socket, on which it would neither hear another request nor notice that the client leaves.
import type { FastifyReply } from 'fastify'

/** Whoever upgrades writes past the response, which then never finishes. */
export function endIfUpgrade ({ request: { raw }, raw: response }: FastifyReply): void {
  if (!('upgrade' in raw) || raw.upgrade !== true) return
  const { socket } = raw
  response.setHeader('connection', 'close')
  // As Node itself ends a connection after its last answer.
  response.once('finish', () => socket.destroySoon())
}
