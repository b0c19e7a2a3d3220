// Collects the routes of the admin server as they are declared, and describes them as OpenAPI 3.1.
import type { FastifyInstance, RouteOptions } from 'fastify'
import { described } from './route.ts'
import { errorSchema } from './schemas.ts'

interface Operation { readonly path: string, readonly method: string, readonly body: object }

/** Before the first route: what is declared later is described. */
export function describeRoutes (app: FastifyInstance): void {
  const operations: Operation[] = []
  app.addHook('onRoute', route => {
    const { method, url, config } = route
    if (config?.description === undefined || method === 'HEAD') return
    operations.push({ path: url.replaceAll(/:(\w+)/g, '{$1}'), method: String(method).toLowerCase(), body: operationOf(route) })
  })
  app.get('/openapi.json', {
    config: described({ access: 'read', summary: 'This description', answers: { 200: { description: 'OpenAPI 3.1', schema: { type: 'object' } } } })
  }, async () => documentOf(operations))
}

function documentOf (operations: readonly Operation[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { path, method, body } of operations) (paths[path] ??= {})[method] = body
  return {
    openapi: '3.1.0',
    info: { title: 'fastify-clusterize admin server', version: '1' },
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'by TCP; not on the Unix socket' } }
    }
  }
}

function operationOf ({ config, schema, url }: RouteOptions): object {
  const { summary, answers, access } = config?.description ?? { summary: '', answers: {}, access: 'read' }
  const parameters = [...url.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
  return {
    summary,
    ...access === 'open' ? {} : { security: access === 'order' ? [{ token: [] }] : [{}, { token: [] }] },
    ...parameters.length === 0 ? {} : { parameters },
    ...schema?.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: schema.body } } } },
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, { description, schema: answer = {}, mediaType = 'application/json' }]) => [status, { description, content: { [mediaType]: { schema: answer } } }])),
      default: { description: 'an error', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } }
    }
  }
}
