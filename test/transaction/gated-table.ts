/** A table in memory whose pointer writes can be held back, and whose writes and deletes are seen. */
import { randomUUID } from 'node:crypto'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import { PointerStore } from '../../src/catalog/pointer-store.ts'
import { nextPointer } from '../../src/catalog/pointer.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import type { CasOutcome } from '../../src/io/file-io.ts'
import type { Table } from '../../src/table/table.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { type VirtualRuntime, virtualRuntime } from '../support/virtual-runtime.ts'

export interface GatedTable {
  readonly table: Table
  readonly catalog: ObjectCatalog
  readonly io: MemoryFileIO
  readonly runtime: VirtualRuntime
  readonly deleted: string[]
  /** Pointer writes so far that were let through. */
  readonly swaps: () => number
  /** Holds pointer writes back until the function that it returns is called. */
  hold(): () => void
  /** What the next pointer writes answer, in place of being carried out. */
  readonly answers: (() => Promise<CasOutcome>)[]
  /** Files below the table's location by a part of their name. */
  files(part: string): Promise<string[]>
  /** Orphan removal's fence, raised to now. */
  raiseFence(): Promise<void>
}

export async function gatedTable(
  options: { readonly properties?: Record<string, string>; readonly formatVersion?: 2 | 3 } = {},
): Promise<GatedTable> {
  const virtual = virtualRuntime()
  // Back-off takes no time; what waits longer than that waits for ever.
  const runtime: VirtualRuntime = {
    ...virtual,
    sleep: (ms, signal) => (ms < 5_000 ? virtual.sleep(ms, signal) : never(signal)),
  }
  const io = new MemoryFileIO({ runtime })
  const env = catalogEnvironment(io, { runtime })
  const catalog = new ObjectCatalog(env)
  const table = await catalog.createTable('a.t', { schema: { id: 'int' }, ...options })
  const pointer = env.keys.pointer({ namespace: ['a'], name: 't' }, 1)
  const deleted: string[] = []
  const remove = io.delete.bind(io)
  io.delete = (locations, ...rest) => {
    deleted.push(...locations)
    return remove(locations, ...rest)
  }
  let gate: Promise<void> | undefined
  let swaps = 0
  const answers: (() => Promise<CasOutcome>)[] = []
  const put = io.cas.put.bind(io.cas)
  io.cas.put = async (location, ...rest) => {
    if (location !== pointer) return put(location, ...rest)
    await gate
    const answer = answers.shift()
    if (answer !== undefined) return answer()
    swaps += 1
    return put(location, ...rest)
  }
  return {
    table,
    catalog,
    io,
    runtime,
    deleted,
    answers,
    swaps: () => swaps,
    hold() {
      let open: () => void = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return () => {
        gate = undefined
        open()
      }
    },
    async files(part) {
      const found: string[] = []
      for await (const page of io.list(`${table.location}/`)) found.push(...page.entries.map((e) => e.location))
      return found.filter((location) => location.includes(part))
    },
    async raiseFence() {
      runtime.advance(1_000)
      const held = gate
      gate = undefined
      const pointers = new PointerStore(env)
      const base = await pointers.read(pointer)
      if (base === undefined) throw new Error('no pointer')
      const commit = { commitId: randomUUID(), u: randomUUID() }
      const next = nextPointer(base.body, { gcHorizonMs: runtime.wallMs() }, commit)
      await pointers.swap({ location: pointer, base, next, writesMetadata: false })
      gate = held
      runtime.advance(1_000)
    },
  }
}

function never(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

/** Lets everything go on that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}
