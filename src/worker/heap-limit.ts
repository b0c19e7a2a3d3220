// How much may survive in V8's heap before V8 gives up: the limit it tells counts the young generation in, and ends the process without it.
import { getHeapStatistics } from 'node:v8'

const MEBIBYTE = 1024 * 1024
const OLD_SPACE_FLAG = /^--max[-_]old[-_]space[-_]size=(\d+)$/
// V8 sizes both by the memory of the machine: a semi-space is a 128th of the old generation, 16 MiB at most, and the young one has three.
const YOUNG_SHARE = 3 / (128 + 3)
const LARGEST_YOUNG = 48 * MEBIBYTE

/**
 * In bytes.
 *
 * @param total V8's own limit
 * @param flags those of this process, later ones win
 */
export function heapLimit (total: number = getHeapStatistics().heap_size_limit, flags: readonly string[] = nodeFlags()): number {
  const wanted = flags.flatMap(flag => OLD_SPACE_FLAG.exec(flag)?.[1] ?? []).at(-1)
  return wanted === undefined ? Math.round(total - Math.min(LARGEST_YOUNG, total * YOUNG_SHARE)) : Math.min(total, Number(wanted) * MEBIBYTE)
}

function nodeFlags (): string[] {
  return [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv]
}
