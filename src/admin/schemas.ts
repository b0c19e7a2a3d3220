// JSON schemas in few words, for requests, answers and the OpenAPI description.

export type Schema = Readonly<Record<string, unknown>>

export const text: Schema = { type: 'string' }
export const flag: Schema = { type: 'boolean' }
export const number: Schema = { type: 'number' }
export const whole: Schema = { type: 'integer', minimum: 0 }
export const counts: Schema = { type: 'object', additionalProperties: whole }

export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
export const listOf = (items: Schema): Schema => ({ type: 'array', items })
export const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })

/** Every property is there, and no other. */
export const object = (properties: Readonly<Record<string, Schema>>): Schema =>
  ({ type: 'object', required: Object.keys(properties), additionalProperties: false, properties })

export const errorSchema: Schema = {
  type: 'object',
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: whole,
    code: text,
    error: text,
    message: text,
    cause: { type: 'object', description: 'the error behind it, with its own cause where there is one', required: ['name', 'message'], properties: { name: text, message: text, code: text, stack: text, cause: { type: 'object' } } }
  }
}
