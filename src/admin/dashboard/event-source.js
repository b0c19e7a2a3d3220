// Follows the event stream: like EventSource, which cannot send a token, and notices a stream that has gone silent.
import { AdminError, ask } from './admin.js'

/** The server says something each second. */
const SILENCE = 5_000
const FIRST_WAIT = 1_000
const LONGEST_WAIT = 10_000

/**
 * @typedef {object} Follower
 * @property {() => void} opened
 * @property {(event: string, data: object, id: string | undefined) => void} told
 * @property {(wait: number) => void} lost in `wait` ms it is tried again
 * @property {() => Promise<void>} refused resolves when there is a token to try
 */

/**
 * Follows for ever.
 * @param {Follower} follower
 */
export async function follow (follower) {
  let wait = FIRST_WAIT
  for (;;) {
    try {
      await followOnce(follower, () => { wait = FIRST_WAIT })
    } catch (error) {
      if (error instanceof AdminError && error.status === 401) {
        await follower.refused()
        continue
      }
    }
    follower.lost(wait)
    await waited(wait)
    wait = Math.min(LONGEST_WAIT, wait * 2)
  }
}

/** @param {number} ms */
function waited (ms) {
  return new Promise(resolve => {
    const over = () => {
      clearTimeout(timer)
      removeEventListener('online', over)
      resolve(undefined)
    }
    const timer = setTimeout(over, ms)
    // Back on a network: no reason to wait any longer.
    addEventListener('online', over)
  })
}

/**
 * @param {Follower} follower
 * @param {() => void} onOpen
 */
async function followOnce ({ opened, told }, onOpen) {
  const ended = new AbortController()
  let watchdog = setTimeout(() => ended.abort(), SILENCE)
  try {
    const { body } = await ask('events', { signal: ended.signal })
    if (body === null) return
    onOpen()
    opened()
    const reader = body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(watchdog)
      watchdog = setTimeout(() => ended.abort(), SILENCE)
      const frames = (rest + value).split('\n\n')
      rest = frames.pop() ?? ''
      for (const frame of frames) tell(frame, told)
    }
  } finally {
    clearTimeout(watchdog)
  }
}

/**
 * @param {string} frame
 * @param {Follower['told']} told
 */
function tell (frame, told) {
  const fields = new Map(frame.split('\n').map(line => {
    const colon = line.indexOf(': ')
    return [line.slice(0, colon), line.slice(colon + 2)]
  }))
  const data = fields.get('data')
  if (data !== undefined) told(fields.get('event') ?? 'message', JSON.parse(data), fields.get('id'))
}
