// What the entries share: a check, a busy handler, and a client that asks on new connections until both workers answered.
const http = require('node:http')

const AT_ONCE = 20
const ROUNDS = 200
const BUSY_MS = 5

function check (condition, what) {
  if (!condition) throw new Error(`expected: ${what}`)
}

async function askBoth (addresses) {
  check(Array.isArray(addresses) && addresses.length > 0, 'the primary tells its addresses')
  const pids = new Map()
  for (let round = 0; round < ROUNDS && pids.size < 2; round++) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(addresses[0])))
    for (const { id, pid } of answers) if (pid !== undefined) pids.set(id, pid)
  }
  const ids = [...pids.keys()].map(String).sort().join(',')
  check(ids === '1,2', `workers 1 and 2 answer, not '${ids}'`)
}

// A worker whose loop is busy accepts nothing, so that the other one gets its share.
function busy () {
  const until = Date.now() + BUSY_MS
  while (Date.now() < until);
}

function ask ({ address, port }) {
  return new Promise((resolve, reject) => {
    http.get({ host: address, port, agent: false }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString())
        const id = response.headers['x-worker-id']
        // On a machine that is busy with something else, so is a loop: then it sheds.
        if (response.statusCode === 503) return resolve({ id })
        if (id !== String(body.id)) reject(new Error(`worker ${body.id} answered with x-worker-id ${String(id)}`))
        else resolve({ id, pid: body.pid })
      })
    }).on('error', reject)
  })
}

module.exports = { askBoth, busy, check }
