// Turns V8's compile cache on for the workers: all but the first boot from code that is compiled already.
import module from 'node:module'

interface CompileCache {
  enableCompileCache?: () => { directory?: string }
  getCompileCacheDir?: () => string | undefined
}

/** The environment that makes a forked Node use the cache from its first module on (22.1 and later); empty where there is none. */
export function compileCacheEnvironment (wanted: boolean): Record<string, string> {
  const { enableCompileCache, getCompileCacheDir } = module as CompileCache
  if (!wanted || enableCompileCache === undefined || process.env['NODE_COMPILE_CACHE'] !== undefined) return {}
  // V8 coverage is less precise on cached code, as Node's documentation warns.
  if (process.env['NODE_V8_COVERAGE'] !== undefined) return {}
  const { directory = getCompileCacheDir?.() } = enableCompileCache()
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: directory }
}
