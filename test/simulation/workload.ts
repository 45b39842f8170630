/**
 * What the simulated processes do to a table, in two depths. `stub`: commits carry a file and a property, so that
 * thousands of histories a minute go through catalog and transaction. `full`: rows through Parquet, manifests, scans.
 */
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { decodeManifestList } from '../../src/manifest/manifest-list.ts'
import { decodeTableMetadata } from '../../src/manifest/metadata-file.ts'
import { decodeManifest } from '../../src/manifest/manifest-reader.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import { currentSnapshot } from '../../src/spec/table-metadata-access.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { ObjectStore } from './object-store.ts'
import type { SystemUnderTest } from './system-under-test.ts'

export interface Process {
  readonly env: CatalogEnvironment
  readonly catalog: Catalog
  /** Lets virtual time pass. */
  readonly pause: (ms: number) => Promise<void>
}

/** A table opened by a process: appends ids, reads back what it holds. */
export interface OpenTable {
  readonly uuid: string
  /** `pauseMs` passes between the upload of the file and the commit. */
  append(id: string, pauseMs: number): Promise<void>
  /** The ids of one consistent state; `pauseMs` passes between planning and reading. */
  read(pauseMs: number): Promise<readonly string[]>
}

export interface Workload {
  readonly name: 'stub' | 'full'
  /** Ids of the rows that `append(id)` adds, all or none. */
  idsOf(id: string): readonly string[]
  open(process: Process, table: string): Promise<OpenTable>
  /** Rows of a metadata file, read straight from the store. */
  rowsOf(store: ObjectStore, metadataLocation: string): readonly string[]
  /** Files it keeps alive. */
  reach(store: ObjectStore, metadataLocation: string): readonly string[]
  /** The metadata files that its log names. */
  log(store: ObjectStore, metadataLocation: string): readonly string[]
}

const ROW = 'row.'

interface StubJson {
  readonly properties?: Readonly<Record<string, string>>
  readonly 'metadata-log'?: readonly { readonly 'metadata-file': string }[]
}

/** The rows that a metadata file's properties name, each with its file, and its log. */
interface StubMetadata {
  readonly rows: readonly (readonly [id: string, file: string])[]
  readonly log: readonly string[]
}

export function stubWorkload(sut: SystemUnderTest): Workload {
  const read = (store: ObjectStore, location: string): StubMetadata =>
    once(store, location, () => {
      const text = Buffer.from(bytesOf(store, location)).toString()
      const metadata = JSON.parse(text) as StubJson
      const rows = Object.entries(metadata.properties ?? {}).filter(([key]) => key.startsWith(ROW))
      return {
        rows: rows.map(([key, file]) => [key.slice(ROW.length), file]),
        log: (metadata['metadata-log'] ?? []).map((entry) => entry['metadata-file']),
      }
    })
  const rowsOf = (store: ObjectStore, location: string): string[] => read(store, location).rows.map(([id]) => id)
  return {
    name: 'stub',
    idsOf: (id) => [id],
    rowsOf,
    reach(store, location) {
      const { rows, log } = read(store, location)
      return [...rows.map(([, file]) => file), ...log]
    },
    log: (store, location) => read(store, location).log,
    async open({ env, pause }, table) {
      const identifier = { namespace: ['ns'], name: table }
      const namespaces = new sut.NamespaceStore(env)
      const base = await sut.loadBase(env, namespaces, { identifier })
      const ensureWritable = (): Promise<void> => Promise.resolve()
      const operations = new sut.ObjectOperations(env, { identifier, base, namespaces, ensureWritable })
      return {
        uuid: base.metadata.tableUuid,
        async append(id, pauseMs) {
          const sessionStartMs = await env.io.storeTimeMs()
          const file = `${base.metadata.location}/data/${id}`
          await env.io.write(file, new TextEncoder().encode(id))
          await pause(pauseMs)
          const action = {
            sessionStartMs,
            files: [file],
            uploads: [],
            stage: () =>
              Promise.resolve({
                updates: [{ action: 'set-properties' as const, updates: { [ROW + id]: file } }],
                requirements: [],
                uploads: [],
                attemptFiles: [],
                manifests: undefined,
              }),
          }
          await sut.commitTable(operations, action)
        },
        async read(pauseMs) {
          await pause(pauseMs)
          const { properties } = operations.current.metadata
          const files = Object.entries(properties).filter(([key]) => key.startsWith(ROW))
          await Promise.all(files.map(([, file]) => env.io.read(file)))
          return files.map(([key]) => key.slice(ROW.length))
        },
      }
    },
  }
}

/** Rows carry ids that can be found in the bytes of their files, which are not compressed. */
const ID_IN_FILE = /<row-\d+[ab]>/g

export function fullWorkload(): Workload {
  return {
    name: 'full',
    idsOf: (id) => [`<row-${id}a>`, `<row-${id}b>`],
    rowsOf: (store, location) =>
      dataFiles(store, metadataAt(store, location)).flatMap((file) =>
        once(store, file, () =>
          Array.from(new Set(Buffer.from(bytesOf(store, file)).toString('latin1').match(ID_IN_FILE))),
        ),
      ),
    reach(store, location) {
      const metadata = metadataAt(store, location)
      const lists = metadata.snapshots.flatMap((s) => (s.manifestList === undefined ? [] : [s.manifestList]))
      const manifests = lists.flatMap((list) => manifestsOf(store, list).map((m) => m.manifestPath))
      return [...lists, ...manifests, ...dataFiles(store, metadata), ...logAt(store, location)]
    },
    log: logAt,
    async open({ catalog, pause }, name) {
      const table = await catalog.loadTable(`ns.${name}`)
      return {
        uuid: table.metadata.tableUuid,
        async append(id, pauseMs) {
          async function* rows(): AsyncGenerator<Record<string, string>> {
            yield { id: `<row-${id}a>`, day: '2026-01-01' }
            await pause(pauseMs)
            yield { id: `<row-${id}b>`, day: '2026-01-02' }
          }
          await table.append(rows())
        },
        async read(pauseMs) {
          const scan = table.scan()
          await pause(pauseMs)
          const ids: string[] = []
          for await (const row of scan.rows()) ids.push(row['id'] as string)
          return ids
        },
      }
    },
  }
}

/** What immutable files of a store were decoded to: the oracle asks for the same ones after every commit. */
const decoded = new WeakMap<ObjectStore, Map<string, unknown>>()

export function once<T>(store: ObjectStore, location: string, decode: () => T): T {
  const known = decoded.get(store) ?? new Map<string, unknown>()
  decoded.set(store, known)
  if (!known.has(location)) known.set(location, decode())
  return known.get(location) as T
}

export function metadataAt(store: ObjectStore, location: string): TableMetadata {
  return once(store, location, () => decodeTableMetadata(bytesOf(store, location), location))
}

function logAt(store: ObjectStore, location: string): string[] {
  return metadataAt(store, location).metadataLog.map((entry) => entry.metadataFile)
}

function manifestsOf(store: ObjectStore, list: string): readonly ManifestFile[] {
  return once(store, list, () => decodeManifestList(bytesOf(store, list), list))
}

function filesOf(store: ObjectStore, metadata: TableMetadata, manifest: ManifestFile): readonly string[] {
  const path = manifest.manifestPath
  return once(store, path, () =>
    decodeManifest(bytesOf(store, path), path, { manifest, metadata }).flatMap((entry) =>
      entry.status === 'deleted' ? [] : [entry.dataFile.filePath],
    ),
  )
}

/** Live data files of the current snapshot; a file named twice is returned twice. */
export function dataFiles(store: ObjectStore, metadata: TableMetadata): string[] {
  const snapshot = currentSnapshot(metadata)
  if (snapshot?.manifestList === undefined) return []
  return manifestsOf(store, snapshot.manifestList).flatMap((manifest) => filesOf(store, metadata, manifest))
}

function bytesOf(store: ObjectStore, location: string): Uint8Array {
  const found = store.objects.get(location)
  if (found === undefined) throw new Error(`not in the store: ${location}`)
  return found.bytes
}
