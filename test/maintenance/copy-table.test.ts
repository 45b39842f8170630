import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { readPuffinFooter } from '../../src/format/puffin.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { readManifest, readManifestList } from '../../src/manifest/manifest-io.ts'
import { copyTable } from '../../src/maintenance/copy-table.ts'
import type { CopySource, CopyTableOptions } from '../../src/maintenance/copy-table.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ManifestEntry } from '../../src/spec/data-file.ts'
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

  it('copies an empty table, and refuses a place in or around the table, and version 1', async () => {
    const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
    const table = await catalog.createTable('a.t', { schema: { id: 'int' } })
    const copy = await copied(table)
    expect(copy.schema).toEqual(table.schema)
    for (const to of [table.location, `${table.location}/x`, table.location.replace(/\/[^/]+$/, '')]) {
      await expect(copyTable(table, { to, io })).rejects.toThrow(ValidationError)
    }
    await using old = await openTable(
      join(import.meta.dirname, '../fixtures/duckdb/iceberg_v1_deprecated/default/legacy_v1'),
    )
    await expect(copyTable(old, { to: fresh(), io })).rejects.toThrow(UnsupportedError)
  })
})
