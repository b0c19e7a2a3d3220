// Tells in the app's log that requests are shed: at once, then as a rate, and when it is over.
import type { FastifyInstance } from 'fastify'
import type { ShedByReason, ShedCounts } from '../shedding/shed-counts.ts'

const PERIOD_MS = 5000

/** To be called for each shed request. Nothing is armed while none is. */
export function createShedLog (app: FastifyInstance, counts: ShedCounts): () => void {
  let timer: NodeJS.Timeout | undefined
  let told = 0

  function begin (): void {
    told = counts.total()
    app.log.warn({ event: 'shedding', shed: shedSoFar(counts.byReason()) }, 'overload: requests are shed')
    timer = setInterval(tell, PERIOD_MS).unref()
  }

  function tell (): void {
    const shed = counts.total() - told
    told += shed
    if (shed > 0) return app.log.warn({ event: 'shedding', perSecond: Math.round(shed / (PERIOD_MS / 1000)), shed: shedSoFar(counts.byReason()) }, 'overload goes on: requests are shed')
    end()
    app.log.info({ event: 'shedding-over', shed: shedSoFar(counts.byReason()) }, 'overload is over: nothing is shed any more')
  }

  function end (): void {
    clearInterval(timer)
    timer = undefined
  }

  app.addHook('onClose', (_app, done) => {
    end()
    done()
  })
  return () => { if (timer === undefined) begin() }
}

/** In all since the app began, by reason. */
function shedSoFar (byReason: ShedByReason): Record<string, number> {
  return Object.fromEntries(Object.entries(byReason).map(([reason, { critical, normal, sheddable }]) => [reason, critical + normal + sheddable]))
}
