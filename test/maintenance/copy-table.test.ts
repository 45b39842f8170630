import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { readPuffinFooter } from '../../src/format/puffin.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { PART_SIZE_BYTES } from '../../src/io/stream.ts'
import { readManifest, readManifestList } from '../../src/manifest/manifest-io.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import { copyTable } from '../../src/maintenance/copy-table.ts'
import type { CopySource, CopyTableOptions } from '../../src/maintenance/copy-table.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import { type ManifestEntry, copyDataFile } from '../../src/spec/data-file.ts'
import { specById } from '../../src/spec/table-metadata-access.ts'
import { openTable } from '../../src/table/static-table.ts'
import { overriding } from '../support/overriding.ts'
import { deletionVectors, equalityDeletes, flightFiles, positionDeletes, without } from '../scan/deletes-fixture.ts'
import { SCHEMA } from '../scan/flights-fixture.ts'
import type { TableFixture } from '../scan/table-fixture.ts'

const io = new MemoryFileIO({ runtime: systemRuntime })
const fresh = (): string => `memory://${randomUUID()}/copy/of t`

async function rowsOf(table: { scan(): TableScan }): Promise<string[]> {
  const rows: string[] = []
  for await (const row of table.scan().rows())
    rows.push(JSON.stringify(row, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v)))
  return rows.toSorted()
}

/** Copies, takes the original away, and gives the copy. */
async function copied(
  source: CopySource,
  snapshots: CopyTableOptions['snapshots'] = 'all',
): ReturnType<typeof openTable> {
  const to = fresh()
  const { metadataLocation } = await copyTable(source, { to, io, snapshots })
  return openTable(metadataLocation, { relocate: false })
}

async function entriesOf({ metadata }: Pick<CopySource, 'metadata'>): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = []
  for (const snapshot of metadata.snapshots) {
    for (const manifest of await readManifestList(io, snapshot))
      entries.push(...(await readManifest(io, manifest, metadata)))
  }
  return entries
}

const sourceOf = (table: TableFixture): CopySource => ({
  name: 'fixture',
  io: table.io,
  metadata: table.metadata,
  metadataLocation: `${table.location}/metadata/00007-x.metadata.json`,
})

describe('copyTable', () => {
  it.each([
    'duckdb/add_columns_with_defaults/default.db/add_columns_with_defaults',
    'duckdb/equality_deletes/warehouse/mydb/mytable',
    'duckdb/equality_deletes/warehouse/mydb/mytable_partitioned',
    'duckdb/expression_filter',
    'duckdb/hive_partitioned_table',
    'duckdb/legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector',
    'duckdb/partition_binary',
    'duckdb/partition_decimal_integer',
    'duckdb/partition_timestamp/default.db/partition_timestamp',
  ])('copies %s of another engine', async (folder) => {
    await using source = await openTable(join(import.meta.dirname, '../fixtures', folder))
    const rows = await rowsOf(source)
    // Of that table's history not all files are among the fixtures.
    await using copy = await copied(source, folder.endsWith('/mytable') ? 'current' : 'all')
    expect(await rowsOf(copy)).toEqual(rows)
    for (const { dataFile } of await entriesOf(copy))
      expect(dataFile.filePath.startsWith(`${copy.location}/`)).toBe(true)
  })

  it('rewrites position deletes, deletion vectors and what they name', async () => {
    for (const formatVersion of [2, 3] as const) {
      const { table, files } = await flightFiles(3, formatVersion)
      const [one, two, three] = files
      if (one === undefined || two === undefined || three === undefined) throw new Error('no files')
      const deletes =
        formatVersion === 2
          ? [
              await positionDeletes(table, one, [
                [one.filePath, 1],
                [two.filePath, 3],
              ]),
              await equalityDeletes(table, { ...SCHEMA, fields: SCHEMA.fields.slice(0, 1) }, [1], [{ id: 25n }]),
            ]
          : await deletionVectors(table, [
              [one, [1]],
              [two, [3]],
              [three, [5]],
            ])
      await table.commit([deletes])
      const source = sourceOf(table)
      const to = fresh()
      const { metadataLocation } = await copyTable(source, { to, io })
      await using copy = await openTable(metadataLocation)
      const ids: number[] = []
      for await (const { id } of copy.scan().rows()) ids.push(Number(id))
      expect(ids.toSorted((a, b) => a - b)).toEqual(without(30, 1, 13, 25))
      for (const { dataFile } of await entriesOf(copy)) {
        const bounds = [...(dataFile.lowerBounds ?? []), ...(dataFile.upperBounds ?? [])].filter(
          ([id]) => id === 2147483546,
        )
        for (const [, bound] of bounds) expect(Buffer.from(bound).toString().startsWith(`${to}/`)).toBe(true)
        const { referencedDataFile = to, filePath, fileFormat } = dataFile
        expect(referencedDataFile.startsWith(to)).toBe(true)
        if (fileFormat !== 'puffin') continue
        const { sizeBytes } = await io.stat(filePath)
        expect(sizeBytes).toBe(dataFile.fileSizeInBytes)
        await readPuffinFooter(io, filePath, sizeBytes).catch(() => undefined)
      }
    }
  })

  it('keeps ids, numbers, history and branches, or the current snapshot alone', async () => {
    const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
    for (const formatVersion of [2, 3] as const) {
      const properties = {
        'write.data.path': `memory://${randomUUID()}/elsewhere`,
        'write.object-storage.enabled': 'true',
      }
      const schema = { id: 'int', p: 'string' }
      const table = await catalog.createTable(`a.t${formatVersion}`, {
        schema,
        partitionBy: ['p'],
        properties,
        formatVersion,
      })
      for (const id of [1, 2, 3]) await table.append([{ id, p: `x${id % 2}` }])
      const to = fresh()
      const whole = await copyTable(table, { to, io })
      expect(whole).toMatchObject({ snapshots: 3, files: 3, filesCopied: 3 })
      const copy = await openTable(whole.metadataLocation)
      expect(await rowsOf(copy)).toEqual(await rowsOf(table))
      const { metadata } = copy
      expect(metadata.properties).toEqual({ ...table.metadata.properties, 'write.data.path': undefined })
      expect({ ...metadata, location: '', properties: {}, snapshots: [], metadataLog: [] }).toEqual({
        ...table.metadata,
        location: '',
        properties: {},
        snapshots: [],
        metadataLog: [],
      })
      const numbers = (entries: readonly ManifestEntry[]): unknown =>
        entries.map(({ dataFile, ...entry }) => ({
          ...entry,
          firstRowId: dataFile.firstRowId,
          rows: dataFile.recordCount,
        }))
      expect(numbers(await entriesOf(copy))).toEqual(numbers(await entriesOf(table)))
      for (const snapshot of table.snapshots) {
        const at = { asOf: snapshot.snapshotId }
        expect(await copy.scan(at).count()).toBe(await table.scan(at).count())
      }
      // Again: nothing has to be copied.
      expect(await copyTable(table, { to, io })).toMatchObject({ files: 3, filesCopied: 0 })
      const slim = await copyTable(table, { to: fresh(), io, snapshots: 'current' })
      expect(slim).toMatchObject({ snapshots: 1, files: 3 })
      expect(await rowsOf(await openTable(slim.metadataLocation))).toEqual(await rowsOf(table))
    }
  })

  it('goes on where an earlier run ended, and tells no name before all is there', async () => {
    const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
    const table = await catalog.createTable('a.t', { schema: { id: 'int' } })
    for (const id of [1, 2, 3]) await table.append([{ id }])
    const to = fresh()
    let left = 4
    const failing = overriding<FileIO>(io, {
      write: async (...args) => {
        if (left === 0) throw new Error('gone')
        left -= 1
        return io.write(...args)
      },
    })
    await expect(copyTable(table, { to, io: failing })).rejects.toThrow('gone')
    await expect(openTable(to)).rejects.toThrow()
    const { metadataLocation, filesCopied } = await copyTable(table, { to, io })
    expect(filesCopied).toBeLessThan(3)
    expect(await (await openTable(metadataLocation)).scan().count()).toBe(3n)
  })

  it('copies an empty table, and refuses a place in or around the table', async () => {
    const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
    const table = await catalog.createTable('a.t', { schema: { id: 'int' } })
    const copy = await copied(table)
    expect(copy.schema).toEqual(table.schema)
    for (const to of [table.location, `${table.location}/x`, table.location.replace(/\/[^/]+$/, '')]) {
      await expect(copyTable(table, { to, io })).rejects.toThrow(ValidationError)
    }
  })

  it('makes version 2 of version 1, with manifest lists and without', async () => {
    const legacy = 'duckdb/iceberg_v1_deprecated/default/legacy_v1'
    await using old = await openTable(join(import.meta.dirname, '../fixtures', legacy))
    const rows = await rowsOf(old)
    const [snapshot] = old.metadata.snapshots
    if (snapshot === undefined) throw new Error('no snapshot')
    const manifests = (await readManifestList(old.io, snapshot)).map(({ manifestPath }) => manifestPath)
    const bare = { ...snapshot, manifestList: undefined, manifests }
    for (const snapshots of [[snapshot], [bare]]) {
      const { io: from, metadataLocation } = old
      const source = { name: 'old', io: from, metadataLocation, metadata: { ...old.metadata, snapshots } }
      await using copy = await copied(source)
      expect(copy.metadata).toMatchObject({
        formatVersion: 2,
        tableUuid: old.metadata.tableUuid,
        lastSequenceNumber: 0n,
      })
      expect(await rowsOf(copy)).toEqual(rows)
      for (const entry of await entriesOf(copy)) expect(entry).toMatchObject({ sequenceNumber: 0n, status: 'added' })
      // It can be written to, which the original can't.
      const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
      const table = await catalog.registerTable('a.t', copy.metadataLocation)
      await table.append([{ id: 9, category: 'gamma', amount: 1 }])
      expect(await rowsOf(await catalog.loadTable('a.t'))).toHaveLength(rows.length + 1)
    }
    const nameless = { ...old.metadata, tableUuid: '' }
    const copying = copyTable(
      { name: 'old', io: old.io, metadata: nameless, metadataLocation: 'x' },
      { to: fresh(), io },
    )
    await expect(copying).rejects.toThrow(/old has no uuid: upgrade it/)
  })

  it('copies files larger than a part in parts, one file at a time', async () => {
    const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
    const table = await catalog.createTable('a.t', { schema: { id: 'int' } })
    await table.append([{ id: 1 }])
    const { metadata, metadataLocation, currentSnapshot } = table
    if (currentSnapshot === undefined) throw new Error('no snapshot')
    const [manifest] = await readManifestList(io, currentSnapshot)
    const [entry] = await entriesOf(table)
    if (manifest === undefined || entry === undefined) throw new Error('no file')
    // Files of 80 MB that are made as they are read.
    const sizeBytes = 5 * PART_SIZE_BYTES + 7
    const names = ['1', '2', '3', '4', '5'].map((n) => `data/${n}/large.bin`)
    const { bytes } = encodeManifest({
      entries: names.map((name) => ({
        ...entry,
        dataFile: copyDataFile(entry.dataFile, { filePath: `${table.location}/${name}`, fileSizeInBytes: sizeBytes }),
      })),
      spec: specById(metadata, 0),
      schema: table.schema,
      formatVersion: 2,
      content: 'data',
      snapshotId: manifest.addedSnapshotId,
      path: manifest.manifestPath,
    })
    await io.write(manifest.manifestPath, bytes)
    const reads = { held: 0, most: 0, whole: 0 }
    const isLarge = (location: string): boolean => location.endsWith('/large.bin')
    const from = overriding<FileIO>(io, {
      read: (location, options) => {
        if (isLarge(location)) reads.whole++
        return io.read(location, options)
      },
      stat: async (location, options) =>
        isLarge(location) ? { sizeBytes, lastModifiedMs: 1, storeTimeMs: 1 } : io.stat(location, options),
      readRange: async (location, range, options) => {
        if (!isLarge(location)) return io.readRange(location, range, options)
        reads.held += range.length
        reads.most = Math.max(reads.most, reads.held)
        return { bytes: new Uint8Array(range.length).fill(range.offset / PART_SIZE_BYTES + 1), storeTimeMs: 1 }
      },
    })
    const written = new Map<string, number>()
    const to = overriding<FileIO>(io, {
      writeStream: async (location, chunks) => {
        let size = 0
        for await (const chunk of chunks) {
          expect([chunk[0], chunk.at(-1)]).toEqual([size / PART_SIZE_BYTES + 1, size / PART_SIZE_BYTES + 1])
          size += chunk.length
          await new Promise((resolve) => setTimeout(resolve, 1))
          reads.held -= chunk.length
        }
        written.set(location, size)
        await io.write(location, new Uint8Array(1))
        return { sizeBytes: size, storeTimeMs: 1 }
      },
    })
    const place = fresh()
    await copyTable({ name: 'a.t', io: from, metadata, metadataLocation }, { to: place, io: to })
    expect(written).toEqual(new Map(names.map((name) => [`${place}/${name}`, sizeBytes])))
    expect(reads.whole).toBe(0)
    expect(reads.most).toBeLessThanOrEqual(3 * PART_SIZE_BYTES)
  })
})
