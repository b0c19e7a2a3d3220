// Watches the code below a folder: one watch for each folder, so that node_modules costs nothing.
import { readdirSync, statSync, watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import path from 'node:path'

const IGNORED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', 'bower_components', 'coverage'])
/** What Node loads, and JSON. Files that an app writes while it runs mostly are neither. */
const CODE = /\.(?:[mc]?[jt]s|[jt]sx|json|node|wasm)$/

/** Hidden files, folders of other people's code, and what editors write beside a file are not looked at. */
export function isWatchedFile (name: string): boolean {
  return !name.startsWith('.') && CODE.test(name)
}

export function isWatchedFolder (name: string): boolean {
  return !name.startsWith('.') && !IGNORED_FOLDERS.has(name)
}

/** Calls back with each file that changes, comes or goes, until the returned function is called. */
export function watchTree (root: string, onChange: (file: string) => void): () => void {
  const watched = new Map<string, { readonly watcher: FSWatcher, readonly identity: string }>()

  function add (folder: string): void {
    if (watched.has(folder)) return
    try {
      const identity = identityOf(folder)
      const watcher = watch(folder, (_type, name) => { if (name !== null) changed(folder, name) })
      // The folder is gone.
      watcher.on('error', () => remove(folder))
      watched.set(folder, { watcher, identity })
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && isWatchedFolder(entry.name)) add(path.join(folder, entry.name))
      }
    } catch {
      remove(folder)
    }
  }

  function remove (folder: string): void {
    watched.get(folder)?.watcher.close()
    watched.delete(folder)
  }

  function removeTree (top: string): void {
    for (const folder of watched.keys()) if (folder === top || folder.startsWith(top + path.sep)) remove(folder)
  }

  function changed (folder: string, name: string): void {
    const file = path.join(folder, name)
    if (isWatchedFile(name)) return onChange(file)
    if (!isWatchedFolder(name) || !isFolder(file)) return forget(file)
    if (watched.get(file)?.identity === identityOf(file)) return
    // Another folder has taken its place, which the old watches know nothing of.
    removeTree(file)
    add(file)
    // What was put in it before it was watched counts too.
    if (watched.has(file)) onChange(file)
  }

  function forget (gone: string): void {
    if (!watched.has(gone) || isFolder(gone)) return
    removeTree(gone)
    onChange(gone)
  }

  add(root)
  return () => { for (const folder of watched.keys()) remove(folder) }
}

function isFolder (file: string): boolean {
  try {
    readdirSync(file)
    return true
  } catch {
    return false
  }
}

/** Of the folder itself, not its name: an inode alone may be used again at once. */
function identityOf (folder: string): string {
  const found = statSync(folder, { throwIfNoEntry: false })
  return `${found?.ino} ${found?.birthtimeMs}`
}
