// The answers the primary gives by itself, prebuilt: the queue is full, the wait was too long, the request did not come in time.

/** How far apart clients are asked to come back, in seconds: without a spread all would return at once. */
const RETRY_AFTER = { from: 1, to: 3 }

const BODY = JSON.stringify({ statusCode: 503, code: 'FST_CLUSTERIZE_QUEUE_FULL', error: 'Service Unavailable', message: 'All workers are busy, try again later' })

const BUSY: readonly Buffer[] = Array.from({ length: RETRY_AFTER.to - RETRY_AFTER.from + 1 }, (_, index) => Buffer.from([
  'HTTP/1.1 503 Service Unavailable',
  'content-type: application/json; charset=utf-8',
  `content-length: ${Buffer.byteLength(BODY)}`,
  `retry-after: ${RETRY_AFTER.from + index}`,
  'connection: close',
  '',
  BODY
].join('\r\n')))

/** A complete 503 with a jittered Retry-After. */
export function busyAnswer (random: () => number = Math.random): Buffer {
  return BUSY[Math.floor(random() * BUSY.length)] ?? Buffer.alloc(0)
}

/** What Node's HTTP server answers when the header block does not arrive within headersTimeout. */
export const LATE_ANSWER: Buffer = Buffer.from('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
