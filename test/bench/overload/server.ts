// One process with the app: `server.ts <JSON of AppOptions>`. Tells its port to whoever forked it, and its CPU time when asked.
import { buildApp } from './app.ts'
import type { AppOptions } from './app.ts'

const options: unknown = JSON.parse(process.argv[2] ?? '{}')
const app = await buildApp(options as AppOptions)
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
const address = app.server.address()
process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }))
process.on('disconnect', () => process.exit())
