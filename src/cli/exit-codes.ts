// How each command ends, as a shell sees it.

export const EXIT = {
  /** Done; for `status`: the cluster is ready. */
  done: 0,
  /** It was tried and failed: the app did not boot, the new code did not come up, a worker had to be killed. */
  failed: 1,
  /** The command line or the environment is wrong: nothing was tried. */
  usage: 2,
  /** No such cluster runs, or it does not answer. */
  none: 3,
  /** More than one runs, and none was chosen. */
  several: 4,
  /** `status`: it runs and is not ready. */
  notReady: 5
} as const

export type ExitCode = typeof EXIT[keyof typeof EXIT]

/** What a command cannot go on with: a message for the user, what to do next, and the exit code. */
export class CommandError extends Error {
  readonly exitCode: ExitCode
  readonly hint: string | undefined

  constructor (message: string, exitCode: ExitCode, hint?: string) {
    super(message)
    this.exitCode = exitCode
    this.hint = hint
  }
}
