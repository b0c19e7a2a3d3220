// Many changes in a row are one: calls once, when nothing more has come for a while.

export interface Debounced {
  readonly call: () => void
  readonly cancel: () => void
}

export function debounce (act: () => void, wait: number): Debounced {
  let timer: NodeJS.Timeout | undefined
  return {
    call () {
      clearTimeout(timer)
      timer = setTimeout(act, wait)
    },
    cancel: () => clearTimeout(timer)
  }
}
