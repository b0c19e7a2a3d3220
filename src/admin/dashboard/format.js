// Numbers and times as this page writes them. Pure.

export const NONE = '–'

/** @param {number} value */
export function whole (value) {
  return Math.round(value).toLocaleString('en')
}

/**
 * A rate: small ones with a place behind the point.
 * @param {number} value
 */
export function rate (value) {
  return value > 0 && value < 9.95 ? value.toFixed(1) : whole(value)
}

/** @param {number} share */
export function percent (share) {
  return `${Math.round(share * 100)} %`
}

/** @param {number} ms */
export function duration (ms) {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : `${whole(ms)} ms`
}

/** @param {number} bytes */
export function memory (bytes) {
  const mebibytes = bytes / 1_048_576
  return mebibytes >= 10_000 ? `${(mebibytes / 1024).toFixed(1)} GiB` : `${whole(mebibytes)} MiB`
}

/**
 * The two largest units.
 * @param {number} ms
 */
export function age (ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (days > 0) return `${days} d ${hours % 24} h`
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

/**
 * The time of day, with or without seconds.
 * @param {number} at
 * @param {boolean} [withSeconds]
 */
export function time (at, withSeconds = true) {
  return new Date(at).toTimeString().slice(0, withSeconds ? 8 : 5)
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function plural (count, noun) {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`
}
