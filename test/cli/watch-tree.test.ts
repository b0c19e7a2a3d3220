// Watching a folder whose folders come, go and take each other's place.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { watchTree } from '../../src/cli/watch-tree.ts'
import { until } from '../helpers/processes.ts'

test('sees changes in a folder that has taken the place of another', async t => {
  const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'tree-')))
  const inRoot = (...names: string[]): string => path.join(root, ...names)
  for (const folder of ['lib/deep', 'other/deep']) mkdirSync(inRoot(folder), { recursive: true })
  const changed = new Set<string>()
  const unwatch = watchTree(root, file => changed.add(file))
  t.after(() => {
    unwatch()
    rmSync(root, { recursive: true, force: true })
  })
  /** Written again and again: when the watch begins no event tells. */
  const seesChangesIn = async (file: string): Promise<void> => {
    writeFileSync(file, '')
    await until(() => {
      appendFileSync(file, '\n')
      return changed.has(file)
    }, () => `a change of ${file}`)
  }
  await seesChangesIn(inRoot('lib/deep/a.js'))

  renameSync(inRoot('lib'), inRoot('old'))
  renameSync(inRoot('other'), inRoot('lib'))
  await seesChangesIn(inRoot('lib/deep/b.js'))

  rmSync(inRoot('lib'), { recursive: true })
  mkdirSync(inRoot('lib/deep'), { recursive: true })
  await seesChangesIn(inRoot('lib/deep/c.js'))
  assert.ok(!changed.has(inRoot('old/deep/nothing.js')))
})
