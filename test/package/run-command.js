// Runs one command to its end: its output when it exits with 0 and leaves no process behind, else an error that shows it.
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, kill, leftBehind, marked, reap } from '../left-behind.js'

const TIMEOUT_MS = 120_000
const EXIT_GRACE_MS = 2_000
const OUTPUT_GRACE_MS = 1_000

export async function run (command, args, { cwd }) {
  const env = marked()
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise((resolve) => { child.once('close', resolve) })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  let timedOut = false
  const deadline = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
    kill(leftBehind(env))
  }, TIMEOUT_MS)

  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (...result) => resolve(result))
  })
  clearTimeout(deadline)
  const left = await reap(env, EXIT_GRACE_MS)
  // 'exit' may come before the last output, and 'close' never while a process that was not found holds the pipes.
  await Promise.race([closed, sleep(OUTPUT_GRACE_MS, undefined, { ref: false })])

  const problems = []
  if (timedOut) problems.push(`took longer than ${TIMEOUT_MS / 1000} s`)
  if (code !== 0) problems.push(`ended with ${signal ?? `code ${code}`}`)
  if (left.length > 0) problems.push(`left processes behind:\n${describe(left)}`)
  if (problems.length > 0) throw new Error([`${command} ${args.join(' ')}`, ...problems, stdout(), stderr()].join('\n'))
  return stdout()
}

function collect (stream) {
  const chunks = []
  stream.on('data', (chunk) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}
