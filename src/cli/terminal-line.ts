// A terminal whose last line shows progress: what is written meanwhile appears above it.

export interface TerminalLine {
  /** Whole lines, above the progress. */
  readonly write: (text: string) => void
  /** Shows this as the last line, or nothing. */
  readonly progress: (text: string) => void
}

const ERASE_LINE = '\r\u001B[2K'

export function terminalLine (output: Pick<NodeJS.WriteStream, 'write'>): TerminalLine {
  let shown = ''
  const erase = (): string => shown === '' ? '' : ERASE_LINE
  return {
    write (text) { output.write(`${erase()}${text}${shown}`) },
    progress (text) {
      if (text === shown) return
      output.write(`${erase()}${text}`)
      shown = text
    }
  }
}
