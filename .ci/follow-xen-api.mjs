// Follows every object of a pool with Xen Orchestra's client (`xen-api` on npm) and does nothing with them, until it is ended.
// What it costs is what poolwatch is measured against: see performance.py.
//
// usage: node follow-xen-api.mjs MODULES URL [USER [PASSWORD]]
//
// MODULES is the folder in which `npm install xen-api` was run. Prints one line when it has everything.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, url, user = 'root', password = 'poolwatch'] = process.argv.slice(2)
const { createClient } = await import(pathToFileURL(createRequire(modules + '/').resolve('xen-api')).href)

const begun = performance.now()
const xapi = createClient({ url, auth: { user, password }, allowUnauthorized: true })
let changes = 0
xapi.objects.on('update', objects => {
  changes += Object.keys(objects).length
})
await xapi.connect()
await xapi.objectsFetched
console.log(`${Object.keys(xapi.objects.all).length} objects in ${Math.round(performance.now() - begun)} ms`)

process.on('SIGTERM', () => {
  console.log(`${changes} changes`)
  process.exit(0)
})
