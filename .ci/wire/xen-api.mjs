// Lets Xen Orchestra's client (`xen-api` on npm) work with a simulated pool.
//
// usage: node xen-api.mjs MODULES URL [USER [PASSWORD]]
//
// MODULES is the folder in which `npm install xen-api` was run. The pool has three hosts or more, all well; its clock should run
// fast. Ends with `N passed, N failed`; the exit code is 1 if anything failed.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, url, user = 'root', password = 'poolwatch'] = process.argv.slice(2)
const { createClient } = await import(pathToFileURL(createRequire(modules + '/').resolve('xen-api')).href)

const PATIENCE = 120e3

// What the client would only print is a failure here: a record it could not fetch, an event loop that stumbled.
const warnings = []
console.warn = (...args) => warnings.push(args.map(String).join(' '))

const client = (more = {}) => createClient({ url, auth: { user, password }, allowUnauthorized: true, debounce: 20, ...more })

const until = async (xapi, what, condition) => {
  if (condition()) return
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(new Error(`${what}: no event said so in ${PATIENCE / 1e3} s`)), PATIENCE)
    const done = error => {
      clearTimeout(timer)
      for (const name of ['add', 'update', 'remove']) xapi.objects.removeListener(name, look)
      error ? reject(error) : resolve()
    }
    const look = () => condition() && done()
    for (const name of ['add', 'update', 'remove']) xapi.objects.on(name, look)
  })
}

const xapi = client()
await xapi.connect()
await xapi.objectsFetched
const all = () => Object.values(xapi.objects.all)
const of = type => all().filter(object => object.$type === type)
const movable = async ref => Object.keys(await xapi.call('host.get_vms_which_prevent_evacuation', ref)).length === 0
let memberRef
for (const { $ref } of of('host')) {
  if ($ref !== xapi.pool.master && (await movable($ref))) memberRef = $ref
}
const member = () => xapi.getObjectByRef(memberRef)

const tests = {
  async 'every object of the pool is fetched and linked'() {
    for (const type of ['pool', 'host', 'host_metrics', 'VM', 'SR', 'PBD', 'PIF', 'network', 'VDI', 'VBD']) {
      assert.notEqual(of(type).length, 0, `no ${type}`)
    }
    for (const host of of('host')) {
      assert.equal(host.$metrics.live, true)
      assert.equal(host.$PBDs.length, host.PBDs.length)
      for (const pbd of host.$PBDs) assert.equal(pbd.$host.$ref, host.$ref)
    }
    assert.equal(xapi.pool.$master.$type, 'host')
  },

  async 'a change comes as an event, and a barrier waits for it'() {
    const { $ref, $id } = member()
    const updates = []
    xapi.objects.on('update', objects => updates.push(...Object.keys(objects)))
    await xapi.call('host.set_name_description', $ref, 'changed by xen-api')
    const host = await xapi.barrier($ref)
    assert.equal(host.name_description, 'changed by xen-api')
    await until(xapi, 'the collection tells of it', () => updates.includes($id))
  },

  async 'fields are written through the record'() {
    const host = member()
    await host.update_other_config('conformance', '1')
    assert.equal((await xapi.barrier(host.$ref)).other_config.conformance, '1')
    await host.update_other_config('conformance', null)
    assert.equal((await xapi.barrier(host.$ref)).other_config.conformance, undefined)
  },

  async 'errors have their code and parameters'() {
    await assert.rejects(xapi.call('host.reboot', member().$ref), { code: 'HOST_NOT_DISABLED', params: [] })
    await assert.rejects(xapi.call('host.get_record', 'OpaqueRef:nope'), { code: 'HANDLE_INVALID', params: ['host', 'OpaqueRef:nope'] })
    const stranger = createClient({ url, auth: { user, password: 'wrong' }, allowUnauthorized: true, watchEvents: false })
    await assert.rejects(stranger.connect(), { code: 'SESSION_AUTHENTICATION_FAILED' })
  },

  async 'an async call is watched as a task'() {
    const { $ref } = member()
    await xapi.callAsync('host.disable', $ref)
    assert.equal((await xapi.barrier($ref)).enabled, false)
    await xapi.call('host.enable', $ref)
    assert.equal((await xapi.barrier($ref)).enabled, true)
    await assert.rejects(xapi.callAsync('host.reboot', $ref), { code: 'HOST_NOT_DISABLED' })
  },

  async 'a host goes through a reboot'() {
    const { $ref } = member()
    const host = () => xapi.getObjectByRef($ref)
    const { boot_time } = host().other_config
    await xapi.call('host.disable', $ref)
    await xapi.callAsync('host.evacuate', $ref)
    await until(xapi, 'reboot is allowed', () => host().allowed_operations.includes('reboot'))
    await xapi.callAsync('host.reboot', $ref)
    await until(xapi, 'down', () => !host().$metrics.live)
    await until(xapi, 'up', () => host().$metrics.live)
    await until(xapi, 'enabled', () => host().enabled)
    assert.notEqual(host().other_config.boot_time, boot_time)
  },

  async 'XML-RPC does as well'() {
    const old = client({ transport: 'xml-rpc' })
    await old.connect()
    await old.objectsFetched
    const known = new Set(all().filter(object => object.$type !== 'task').map(object => object.$ref))
    const seen = new Set(Object.values(old.objects.all).filter(object => object.$type !== 'task').map(object => object.$ref))
    assert.deepEqual([...known].filter(ref => !seen.has(ref)), [])
    await old.disconnect()
  },

  async 'the client had nothing to complain about'() {
    assert.deepEqual(warnings, [])
    assert.equal(xapi.watchEventsError, undefined)
  },
}

let passed = 0
let failed = 0
for (const [name, test] of Object.entries(tests)) {
  try {
    await test()
    passed++
    console.log(`ok   ${name}`)
  } catch (error) {
    failed++
    console.log(`FAIL ${name}: ${error.stack}`)
  }
}
await xapi.disconnect()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
