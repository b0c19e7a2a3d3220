// How the boot and a reload look on a terminal. Pure.

export interface Progress {
  readonly label: string
  readonly done: number
  readonly total: number
}

const BAR = 24

/** One line, no longer than the terminal is wide. */
export function progressLine ({ label, done, total }: Progress, columns: number): string {
  const filled = Math.round(BAR * Math.min(1, done / Math.max(1, total)))
  const line = `${label} ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${done}/${total}`
  // The last column is left free: some terminals wrap there.
  return line.slice(0, Math.max(0, columns - 1))
}

/** `0.8 s`, `1 min 5 s`. */
export function inWords (ms: number): string {
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

export function plural (count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
