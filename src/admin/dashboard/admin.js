// Asks the admin server, with the token once there is one. It is kept in this tab alone, and is gone with it.

const KEY = 'fastify-clusterize-token'

/** What the server refused, and why. */
export class AdminError extends Error {
  /**
   * @param {number} status
   * @param {{ message?: string, cause?: { message?: string, stack?: string } }} answer
   */
  constructor (status, { message, cause }) {
    super(message ?? `the admin server answered with ${status}`)
    this.status = status
    this.stackOfCause = cause?.stack ?? cause?.message
  }
}

/** @returns {string | null} */
export function token () {
  return sessionStorage.getItem(KEY)
}

/** @param {string | undefined} value */
export function keepToken (value) {
  if (value === undefined) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, value)
}

/**
 * @param {string} path relative, so that the page works behind a prefix too
 * @param {{ method?: string, body?: object, signal?: AbortSignal, given?: string | undefined }} [options] `given`: a token that is to prove itself first
 * @returns {Promise<Response>}
 */
export async function ask (path, { method = 'GET', body, signal, given } = {}) {
  const bearer = given ?? token()
  const response = await fetch(path, {
    method,
    cache: 'no-store',
    headers: {
      ...bearer === null ? {} : { authorization: `Bearer ${bearer}` },
      ...body === undefined ? {} : { 'content-type': 'application/json' }
    },
    ...body === undefined ? {} : { body: JSON.stringify(body) },
    ...signal === undefined ? {} : { signal }
  })
  if (!response.ok) throw new AdminError(response.status, await response.json().catch(() => ({})))
  return response
}
