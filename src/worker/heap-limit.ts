// How much may survive in V8's heap before V8 gives up: the limit it tells counts the young generation in, and ends the process without it.
import { getHeapStatistics } from 'node:v8'

const MEBIBYTE = 1024 * 1024
const OLD_SPACE_FLAG = /^--max[-_]old[-_]space[-_]size=(\d+)$/
// What V8 gives to the old generation where there is memory enough, in MiB.
const USUAL = [4096, 2048]
// Of the young generation, in MiB: 48 up to Node 22, 192 in Node 24, 96 in Node 26.
const LARGEST_YOUNG = 192
// With less memory a semi-space is a 128th of the old generation, and the young one has three.
const YOUNG_SHARE = 3 / (128 + 3)

/**
 * In bytes.
 *
 * @param total V8's own limit
 * @param flags those of this process, later ones win
 */
export function heapLimit (total: number = getHeapStatistics().heap_size_limit, flags: readonly string[] = nodeFlags()): number {
  const wanted = flags.flatMap(flag => OLD_SPACE_FLAG.exec(flag)?.[1] ?? []).at(-1)
  if (wanted !== undefined) return Math.min(total, Number(wanted) * MEBIBYTE)
  const usual = USUAL.map(size => size * MEBIBYTE).find(size => total > size && total - size <= LARGEST_YOUNG * MEBIBYTE)
  return usual ?? Math.round(total * (1 - YOUNG_SHARE))
}

function nodeFlags (): string[] {
  return [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv]
}
