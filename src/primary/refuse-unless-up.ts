// Refuses orders that come too early or too late.
import { BootingError, StoppedError } from '../errors.ts'
import type { Desired } from './plan.ts'

/**
 * @throws FST_CLUSTERIZE_STOPPED, FST_CLUSTERIZE_BOOTING
 */
export function refuseUnlessUp ({ phase }: Pick<Desired, 'phase'>, isUp: boolean): void {
  if (phase === 'stopping') throw new StoppedError()
  if (!isUp) throw new BootingError()
}
