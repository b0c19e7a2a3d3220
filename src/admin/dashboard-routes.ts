// The dashboard: a page of static files that ship with the package, and uPlot's where it is installed. Nothing comes from elsewhere.
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { described } from './route.ts'
import { text } from './schemas.ts'

/** What the page must know before it asks for anything: whether orders and reading need a token. `never`: orders do, and there is none. */
export interface PageAccess {
  readonly orders: 'open' | 'token' | 'never'
  readonly reads: 'open' | 'token'
}

// From `dist` too it is the sources that are served: they are what browsers run.
const FOLDER = fileURLToPath(new URL('../../src/admin/dashboard/', import.meta.url))
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' }
const PAGE = 'page.html'

export function addDashboardRoutes (app: FastifyInstance, { orders, reads }: PageAccess): void {
  const files = new Set(readdirSync(FOLDER).filter(file => file !== PAGE))

  app.get('/', {
    config: described({ access: 'open', summary: 'The dashboard; what it shows it reads by the other routes', answers: { 200: { description: 'a page', schema: text, mediaType: 'text/html' } } })
  }, async (_request, reply) => {
    const page = await readFile(path.join(FOLDER, PAGE), 'utf8')
    return reply.type(typeOf(PAGE)).send(page.replace('data-orders="" data-reads=""', `data-orders="${orders}" data-reads="${reads}"`))
  })

  app.get<{ Params: { file: string } }>('/dashboard/:file', {
    config: described({ access: 'open', summary: "The dashboard's own files", answers: { 200: { description: 'a file', schema: text, mediaType: 'text/javascript' } } })
  }, async ({ params: { file } }, reply) => {
    const content = await (files.has(file) ? readFile(path.join(FOLDER, file)) : readChartFile(file))
    if (content === undefined) return reply.callNotFound()
    return reply.type(typeOf(file)).send(content)
  })
}

function typeOf (file: string): string {
  return TYPES[path.extname(file)] ?? 'application/octet-stream'
}

/** Undefined where uPlot is not installed: the page then does with numbers. */
async function readChartFile (file: string): Promise<string | undefined> {
  if (file !== 'uplot.js' && file !== 'uplot.css') return undefined
  const folder = chartFolder()
  if (folder === undefined) return undefined
  if (file === 'uplot.css') return readFile(path.join(folder, 'uPlot.min.css'), 'utf8')
  // Of its builds only this one is small; it declares a variable, and is a module by one more line.
  return `${await readFile(path.join(folder, 'uPlot.iife.min.js'), 'utf8')}\nexport default uPlot\n`
}

function chartFolder (): string | undefined {
  try {
    return path.dirname(createRequire(import.meta.url).resolve('uplot'))
  } catch {
    return undefined
  }
}
