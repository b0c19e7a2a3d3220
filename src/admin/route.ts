// How a route of the admin server is described: enough for Fastify's validation and for OpenAPI.
import type { Access } from './access.ts'
import type { Schema } from './schemas.ts'

export interface RouteDescription {
  readonly access: Access
  readonly summary: string
  /** What each status answers with; a text is of another media type than JSON. */
  readonly answers: Readonly<Record<number, { readonly description: string, readonly schema?: Schema, readonly mediaType?: string }>>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    description?: RouteDescription
  }
}

/** Fastify's `config` of a route. */
export function described (description: RouteDescription): { access: Access, description: RouteDescription } {
  return { access: description.access, description }
}
