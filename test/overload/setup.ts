// What a test of overload tells its cluster.
import type { ClusterizeOptions, SheddingOptions } from '../../src/index.ts'

export interface Setup {
  readonly options: ClusterizeOptions
  readonly shedding: SheddingOptions
  /** While it exists: JSON with the ms for which the handlers of a process (by pid), or of `all`, block or wait. */
  readonly file: string
}

export const VARIABLE = 'OVERLOAD_TEST'
