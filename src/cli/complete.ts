/** Answers a shell that completes a command line: a candidate a line with its help behind a tab, or `:files`. */
import { systemRuntime } from '../base/runtime.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { printIdentifier, printNamespace } from '../spec/identifier.ts'
import type { Host } from './command.ts'
import { completionOf } from './completion.ts'
import type { Candidate, Completion } from './completion.ts'
import { isObject, readConfig } from './config-file.ts'
import { warehousesOf } from './config-settings.ts'
import type { Output } from './output.ts'
import { findWarehouse } from './warehouse.ts'

/** For the store to answer: people wait at the prompt. */
const TIME_LIMIT_MS = 2_000
const FILES = ':files'

type NamesWanted = Exclude<Completion['wanted'], 'files' | undefined>

/** Says nothing where the warehouse can't be asked, for there is no place to say it. */
export async function complete(words: readonly string[], host: Host, output: Output): Promise<void> {
  const completion = completionOf(words)
  const { prefix, word, wanted, candidates } = completion
  const names = wanted === undefined || wanted === 'files' ? [] : await namesOf(completion, { wanted, host })
  const isFiles = wanted === 'files' || (wanted === 'warehouses' && !names.some(({ value }) => value.startsWith(word)))
  const all = [...candidates, ...names].filter(({ value }) => value.startsWith(word) && isPlain(value))
  await output.lines(isFiles ? [FILES] : all.map(({ value, help }) => `${prefix}${value}\t${help}`))
}

async function namesOf(
  { warehouse, word }: Completion,
  { wanted, host }: { readonly wanted: NamesWanted; readonly host: Host },
): Promise<readonly Candidate[]> {
  if (wanted === 'warehouses') return warehouseNames(host)
  const { openCatalog } = await import('../catalog/open-catalog.ts')
  const deadline = systemRuntime.deadline(TIME_LIMIT_MS, host.signal)
  // A store may hang before it looks at the signal: in looking for credentials, say.
  const late = new Promise<never>((_, reject) => {
    deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error), { once: true })
  })
  // It may be late before anybody waits.
  late.catch(() => {})
  let catalog: Catalog | undefined
  try {
    const found = await findWarehouse(warehouse, host)
    if (found === undefined) return []
    catalog = await openCatalog(found.uri, { s3: found.s3, cacheSizeBytes: 0 })
    const names = { tables: tableNames, dropped: droppedNames, namespaces }[wanted]
    return await Promise.race([names(catalog, deadline.signal, word), late])
  } catch {
    return []
  } finally {
    deadline.cancel()
    await catalog?.close()
  }
}

async function warehouseNames(host: Host): Promise<readonly Candidate[]> {
  try {
    const entries = Object.entries(warehousesOf(await readConfig(host)))
    return entries.map(([value, entry]) => {
      const uri = isObject(entry) ? entry['uri'] : undefined
      return { value, help: typeof uri === 'string' ? uri : '' }
    })
  } catch {
    return []
  }
}

/** The namespaces with a dot, for the name goes on; and the tables of the one that the word names. */
async function tableNames(catalog: Catalog, signal: AbortSignal, word: string): Promise<readonly Candidate[]> {
  const namespace = word.slice(0, Math.max(0, word.lastIndexOf('.')))
  const [levels, tables] = await Promise.all([
    namespaces(catalog, signal),
    namespace === '' ? [] : catalog.listTables(namespace, { signal }),
  ])
  return [
    ...levels.map(({ value, help }) => ({ value: `${value}.`, help })).filter(({ value }) => value !== word),
    ...tables.map((table) => ({ value: printIdentifier(table), help: 'table' })),
  ]
}

async function droppedNames(catalog: Catalog, signal: AbortSignal): Promise<readonly Candidate[]> {
  const names = (await catalog.listDropped(undefined, { signal })).map(({ identifier }) => printIdentifier(identifier))
  return [...new Set(names)].map((value) => ({ value, help: 'dropped' }))
}

async function namespaces(catalog: Catalog, signal: AbortSignal): Promise<readonly Candidate[]> {
  const all = await catalog.listNamespaces({ signal })
  return all.map((levels) => ({ value: printNamespace(levels), help: 'namespace' }))
}

/** Names with spaces, quotes and the like would have to be quoted as each shell has it: they are left to be typed. */
function isPlain(value: string): boolean {
  return /^[\p{L}\p{N}._-]+$/u.test(value)
}
