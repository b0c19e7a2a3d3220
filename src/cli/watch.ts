// `--watch`: runs a cluster whose code is reloaded when a file changes, and tries again when its first code does not boot.
import path from 'node:path'
import type { ClusterizeResult, PrimaryResult } from '../clusterize.ts'
import { deferred } from '../deferred.ts'
import { debounce } from './debounce.ts'
import { watchTree } from './watch-tree.ts'

/** Editors and version control change several files at once. */
const SETTLED_AFTER = 100

export interface Watching {
  readonly file: string
  readonly boot: () => Promise<ClusterizeResult>
  readonly onBootFailed: (error: unknown) => void
}

/** Resolves once code has booted; from then on a change reloads it. */
export async function bootAndWatch ({ file, boot, onBootFailed }: Watching): Promise<ClusterizeResult> {
  let act = (): void => {}
  const { call, cancel } = debounce(() => act(), SETTLED_AFTER)
  const unwatch = watchTree(path.dirname(file), call)
  for (;;) {
    // A change during the boot may be what mends it.
    const changed = deferred()
    act = changed.resolve
    try {
      const result = await boot()
      if (result.role === 'primary') {
        act = () => reload(result)
        result.events.once('stop', () => {
          cancel()
          unwatch()
        })
      }
      return result
    } catch (error) {
      onBootFailed(error)
      await changed.promise
    }
  }
}

/** Its outcome is in the log and on the terminal; where new code does not boot the old serves on. */
function reload (cluster: PrimaryResult): void {
  cluster.reload().catch(() => {})
}
