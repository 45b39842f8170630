/**
 * One process of the race in local-cas.test.ts: adds 1 to a shared count so many times, by compare-and-swap alone.
 * Usage: node cas-racer.mjs <local-cas.js> <runtime.js> <location> <name> <times>
 */
import { pathToFileURL } from 'node:url'

const [casModule, runtimeModule, location, name, times] = process.argv.slice(2)
const { LocalCasStore } = await import(pathToFileURL(casModule).href)
const { systemRuntime } = await import(pathToFileURL(runtimeModule).href)
const cas = new LocalCasStore({ runtime: systemRuntime })
const parse = (record) => JSON.parse(Buffer.from(record.bytes).toString())
let attempts = 0

for (let done = 0; done < Number(times); done += 1) {
  for (;;) {
    const record = await cas.read(location)
    const base = parse(record)
    const u = `${name}-${(attempts += 1)}`
    const next = { u, prevU: base.u, v: base.v + 1, count: base.count + 1, ring: [u, ...base.ring].slice(0, 64) }
    await cas.put(location, Buffer.from(JSON.stringify(next)), record.token)
    const after = parse(await cas.read(location))
    if (after.ring.includes(u)) break
    // The ring always reaches back to the base here; were it ever not to, the race would prove nothing.
    if (after.v - base.v > 60) throw new Error('overrun')
  }
}
process.stdout.write(String(attempts))
