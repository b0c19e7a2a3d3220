// Decides whether a TCP client may ask what it asks: by Host, Origin and token. Pure.
import { createHash, timingSafeEqual } from 'node:crypto'
import net from 'node:net'

/** `open`: for probes, to everyone. `read`: tells. `order`: changes the cluster. */
export type Access = 'open' | 'read' | 'order'

const BEARER = /^Bearer +([!-~]+) *$/i

/**
 * Whether a Host header means this server. Addresses always do: a name that an attacker points here (DNS rebinding) never is one.
 * A client without the header is no browser.
 */
export function isOwnHost (header: string | undefined, names: ReadonlySet<string>): boolean {
  if (header === undefined) return true
  const name = hostName(header)
  return name !== undefined && (net.isIP(name) !== 0 || names.has(name))
}

/** Whether the page that sent a request is one of this server's own; requests of no page have no Origin. */
export function isOwnOrigin (origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true
  const [, authority] = /^https?:\/\/([^/]+)$/i.exec(origin) ?? []
  return authority !== undefined && host !== undefined && authority.toLowerCase() === host.toLowerCase()
}

/** Compares in a time that tells nothing of the token, nor of its length. */
export function isToken (authorization: string | undefined, token: string): boolean {
  const [, given] = BEARER.exec(authorization ?? '') ?? []
  return timingSafeEqual(digest(given ?? ''), digest(token)) && given !== undefined
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Without port, brackets and the root's dot. */
function hostName (header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([^\s:/@[\]]+?)\.?)(?::\d+)?$/i.exec(header) ?? []
  return (bracketed ?? plain)?.toLowerCase()
}
