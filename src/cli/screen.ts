// A full-screen view on a terminal that gives the terminal back as it was, however it ends.
import type { ReadStream, WriteStream } from 'node:tty'
import type { Size } from './top-view.ts'

const ENTER = '\u001B[?1049h\u001B[?25l'
const LEAVE = '\u001B[?25h\u001B[?1049l'
const HOME = '\u001B[H'
const ERASE_TO_END_OF_LINE = '\u001B[K'
const ERASE_BELOW = '\u001B[J'
const CTRL_C = '\u0003'
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

export interface Screen {
  readonly size: () => Size
  readonly draw: (lines: readonly string[]) => void
  readonly close: () => void
}

export interface ScreenHooks {
  /** A key or a signal that ends it. */
  readonly onQuit: () => void
  readonly onResize: () => void
}

export function openScreen (input: ReadStream, output: WriteStream, { onQuit, onResize }: ScreenHooks): Screen {
  let isOpen = true
  const onKey = (keys: string): void => { if (keys.includes('q') || keys.includes('Q') || keys.includes(CTRL_C)) onQuit() }
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    output.write(LEAVE)
    output.off('resize', onResize)
    if (input.isTTY) input.setRawMode(false)
    input.off('data', onKey).pause()
    for (const signal of SIGNALS) process.off(signal, onQuit)
    process.off('exit', close)
  }
  output.write(ENTER)
  output.on('resize', onResize)
  // A terminal that is not raw sends keys only with a line's end, and Ctrl-C as a signal.
  if (input.isTTY) input.setRawMode(true)
  input.setEncoding('utf8').on('data', onKey)
  for (const signal of SIGNALS) process.on(signal, onQuit)
  process.on('exit', close)
  return {
    size: () => ({ columns: output.columns, rows: output.rows }),
    // Overwritten line by line rather than erased first, so that nothing flickers.
    draw (lines) { if (isOpen) output.write(`${HOME}${lines.map(line => line + ERASE_TO_END_OF_LINE).join('\r\n')}${ERASE_BELOW}`) },
    close
  }
}
