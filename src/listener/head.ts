// Tells whether a request's header block has arrived, without parsing it.

const CR = 13
const LF = 10
/** Past this it is a worker's business, whose parser has the limit (`maxHeaderSize`) and the answer (431). */
const LONGEST = 16 * 1024
const END = Buffer.from('\r\n\r\n')
const BARE_END = Buffer.from('\n\n')

/** Empty lines before a request are allowed (RFC 9112, section 2.2) and do not end it. */
export function headIsComplete (bytes: Buffer): boolean {
  let start = 0
  while (bytes[start] === CR || bytes[start] === LF) start++
  return bytes.includes(END, start) || bytes.includes(BARE_END, start) || bytes.length - start >= LONGEST
}
