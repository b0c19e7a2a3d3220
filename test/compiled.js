// Lets Node 20 run the TypeScript of this repo from what tsc made of it: a process starts in half of the time that it takes with tsx.
import { register } from 'node:module'

register('./compiled-hooks.js', import.meta.url)
