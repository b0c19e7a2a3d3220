// Connections that the kernel has accepted for a listening socket are reset when its last copy closes: they are taken in before.

// One backlog's worth: clients that keep coming must not keep a process from stopping.
const MOST_ACCEPTS = 512

/**
 * libuv accepts one a turn: resolves once a turn of the loop has brought none.
 *
 * @param accepted how many have been until now
 */
export async function afterPendingAccepts (accepted: () => number): Promise<void> {
  for (let turns = 0, before = -1; turns < 2 || (accepted() > before && turns < MOST_ACCEPTS); turns++) {
    before = accepted()
    await new Promise(setImmediate)
  }
}
