// The README names every option with its default, every error code, log event and kind of end, each once, and nothing that is not there.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as errors from '../src/errors.ts'
import { EXIT_KINDS } from '../src/exit-kinds.ts'
import { resolveOptions } from '../src/options/resolve.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8')

/** The cells of the table under this head, code marks left in. */
function rows (head: string): string[][] {
  const [, table = assert.fail(`there is no table ${head}`)] = README.split(`\n${head}`)
  const [body = ''] = table.split('\n\n')
  return body.split('\n').slice(2).map(row => row.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim()))
}

function codes (cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** What the primary's code logs. */
function loggedEvents (): string[] {
  const files = ['primary', 'listener', 'admin', 'balancer'].flatMap(folder => readdirSync(path.join(ROOT, 'src', folder), { recursive: true, encoding: 'utf8' }).map(file => path.join(ROOT, 'src', folder, file)))
  const texts = files.filter(file => file.endsWith('.ts')).map(file => readFileSync(file, 'utf8'))
  const names = texts.flatMap(text => [...text.matchAll(/(?:\{ event: |warn\()'([a-z-]+)'/g)].map(([, name = '']) => name))
  return [...new Set(names)]
}

test('names every error code', () => {
  const classes = Object.entries(errors).filter(([name]) => /^[A-Z].*Error$/.test(name))
  const known = classes.map(([, Class]) => String(new (Class as typeof errors.ShedError)('a', 'b', 'c').code))
  // The primary answers this one by bytes that are ready, not by an error.
  known.push('FST_CLUSTERIZE_QUEUE_FULL')
  assert.deepEqual(rows('| code | when |').flatMap(([cell]) => codes(cell)).toSorted(), known.toSorted())
})

test("names every event of the primary's log", () => {
  assert.deepEqual(rows('| `event` | further fields |').flatMap(([cell]) => codes(cell)).toSorted(), loggedEvents().toSorted())
})

test("names every kind of a worker's end", () => {
  assert.deepEqual(rows("| `kind` of a worker's end | |").flatMap(([cell]) => codes(cell)).toSorted(), EXIT_KINDS.toSorted())
})

/** `restart.limit`, `.window` are two names, of one group. */
function optionNames (cell = ''): string[] {
  let group = ''
  return codes(cell).map(name => {
    if (name.startsWith('.')) return group + name
    group = name.split('.')[0] ?? ''
    return name
  })
}

test('names every option with its default', () => {
  const { listen: _listen, signal: _signal, autoscale: _autoscale, admin: _admin, plugin: _plugin, healthCheck: _healthCheck, ...resolved } = resolveOptions({ workers: 1 })
  const table = rows('| option | default | what it does |').flatMap(([names, defaults = '']) => {
    const values = codes(defaults)
    return optionNames(names).map((name, index) => [name, values[index] ?? values[0]] as const)
  })
  const documented = new Map(table)
  assert.equal(documented.size, table.length, 'each once')
  for (const [name, value] of Object.entries(resolved)) {
    const inner = typeof value === 'object' ? Object.entries(value).map(([key, each]) => [`${name}.${key}`, each] as const) : [[name, value] as const]
    for (const [full, initial] of inner) {
      assert.ok(documented.has(full), full)
      if (full !== 'workers') assert.equal(documented.get(full), typeof initial === 'string' ? `'${initial}'` : String(initial), full)
    }
  }
})
