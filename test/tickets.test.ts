// Tickets on a real file system, redeemed by several processes at once.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { createTickets, redeem } from '../src/tickets.ts'
import { startProcess } from './helpers/processes.ts'

function folder (t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), 'tickets-test-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

void test('of many that redeem the same tickets at once, each ticket is one\'s', async t => {
  const issued = createTickets([folder(t)])
  const tickets = Array.from({ length: 1_000 }, () => issued.issue() ?? '')
  const processes = Array.from({ length: 3 }, () => startProcess(t, 'redeem.ts'))
  await Promise.all(processes.map(({ event }) => event('waits')))
  for (const { send } of processes) send(tickets)
  const redeemed = await Promise.all(processes.map(({ event }) => event('redeemed')))
  assert.deepEqual(redeemed.flatMap(line => line['tickets'] as string[]).sort(), tickets.sort())
})

void test('nothing is left of a ticket that was redeemed, and it is valid once', t => {
  const where = folder(t)
  const ticket = createTickets([where]).issue() ?? ''
  assert.deepEqual(readdirSync(where), [path.basename(ticket)])
  assert.deepEqual([redeem(ticket), redeem(ticket), readdirSync(where)], [true, false, []])
})

void test('the first folder that can be written to has them; without one there are none', t => {
  const where = folder(t)
  const missing = path.join(where, 'missing')
  assert.equal(path.dirname(createTickets([missing, where]).issue() ?? ''), where)
  assert.equal(createTickets([missing]).issue(), undefined)
})

void test('one that stopped issues none, and what it had issued stays valid', t => {
  const tickets = createTickets([folder(t)])
  const ticket = tickets.issue() ?? ''
  assert.deepEqual([tickets.stop(), tickets.stop(), tickets.issue(), existsSync(ticket)], [true, false, undefined, true])
  assert.equal(redeem(ticket), true)
})

void test('a folder that vanishes later costs the tickets, and nothing else', t => {
  const where = path.join(folder(t), 'later')
  mkdirSync(where)
  const tickets = createTickets([where])
  rmSync(where, { recursive: true })
  assert.equal(tickets.issue(), undefined)
})
