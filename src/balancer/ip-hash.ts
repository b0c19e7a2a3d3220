// IP hash: a client stays with its worker, by rendezvous hashing (Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996).
import type { Balancer } from './balancer.ts'

const OFFSET = 0x811c9dc5
const PRIME = 0x01000193

/** Slots are hashed, so a reload moves nobody, and a worker that is lost moves only its own clients. Of two in a slot it is the newer one. */
export function createIpHash (): Balancer {
  return {
    name: 'ip-hash',
    pick (workers, { remoteAddress = '' }) {
      const client = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '')
      const ranked = workers
        .filter(({ draining }) => !draining)
        .map(worker => ({ worker, score: score(`${client}#${worker.id}`) }))
        .toSorted((a, b) => b.score - a.score || a.worker.id - b.worker.id || b.worker.generation - a.worker.generation)
      return ranked[0]?.worker
    }
  }
}

/** FNV-1a (Fowler, Noll, Vo) and the finalizer of MurmurHash3 (Appleby), whose avalanche makes neighbouring slots independent. */
function score (text: string): number {
  let hash = OFFSET
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
