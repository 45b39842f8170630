import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, NotFoundError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { parentLocation } from '../../src/io/location.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { openTable } from '../../src/table/static-table.ts'
import type { OpenTableOptions, StaticTable } from '../../src/table/static-table.ts'
import type { Table } from '../../src/table/table.ts'
import { createTestBucket } from '../support/s3-bucket.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/duckdb')
const io = new MemoryFileIO({ runtime: systemRuntime })

async function made(properties: Record<string, string> = {}): Promise<Table> {
  const catalog = await openCatalog(`memory://${randomUUID()}/lake`)
  const table = await catalog.createTable('a.t', { schema: { id: 'int' }, properties })
  await table.append([{ id: 1 }, { id: 2 }])
  await table.append([{ id: 3 }])
  return table
}

/** Copies a folder of the memory store; `edit` may change a metadata file's text on its way. */
async function copy(from: string, to: string, edit = (text: string): string => text): Promise<void> {
  for await (const { entries } of io.list(`${from}/`)) {
    for (const { location } of entries) {
      const { bytes } = await io.read(location)
      const isMetadata = location.endsWith('.metadata.json')
      const edited = isMetadata ? Buffer.from(edit(Buffer.from(bytes).toString())) : bytes
      await io.write(to + location.slice(from.length), edited)
    }
  }
}

async function ids(table: StaticTable): Promise<number[]> {
  const rows: number[] = []
  for await (const { id } of table.scan().rows()) rows.push(Number(id))
  return rows.toSorted((a, b) => a - b)
}

const fresh = (): string => `memory://${randomUUID()}/copied/t`
const below = (table: Table, to: string): string => to + table.metadataLocation.slice(table.location.length)

describe('tables of other engines, where their metadata does not say', () => {
  it.each([
    ['add_columns_with_defaults/default.db/add_columns_with_defaults', 3n, '00003-3f1801a5'],
    ['expression_filter', 3n, '00001-19739cda'],
    ['hive_partitioned_table', 6n, 'v4'],
    ['iceberg_v1_deprecated/default/legacy_v1', 3n, 'v2'],
    ['name_mapping/warehouse_1/mydb/t1', 10_000n, 'v7'],
    ['partition_bigint', 2n, 'v2'],
    ['partition_binary', 2n, 'v2'],
    ['partition_decimal_integer', 3n, 'v2'],
    ['partition_time/default.db/partition_time', 2n, '00001-44546aa6'],
    ['partition_timestamp/default.db/partition_timestamp', 2n, '00001-0c9938a5'],
  ])('%s has %s rows', async (folder, rows, newest) => {
    await using table = await openTable(join(FIXTURES, folder))
    expect(table.metadataLocation).toContain(`${folder}/metadata/${newest}`)
    expect(await table.count()).toBe(rows)
    expect(table.relocation).toEqual({ from: `data/persistent/${folder}`, to: `file://${join(FIXTURES, folder)}` })
    await using again = await openTable(table.metadataLocation)
    expect(await again.count('true')).toBe(rows)
  })

  it('an older state is opened by its own file', async () => {
    await using table = await openTable(join(FIXTURES, 'hive_partitioned_table/metadata/v3.metadata.json'))
    expect(await table.count()).toBe(2n)
  })
})

describe('relocation', () => {
  it('is none where the table lies where it says', async () => {
    const table = await made()
    const opened = await openTable(table.metadataLocation)
    expect(opened.relocation).toBeUndefined()
    expect(await ids(opened)).toEqual([1, 2, 3])
  })

  it('reads the copy, even where the original still exists', async () => {
    const table = await made()
    const to = fresh()
    await copy(table.location, to)
    const { tasks } = await table.scan().plan()
    // The original is damaged: whoever reads it would see that.
    for (const { file } of tasks) await io.write(file.filePath, new Uint8Array(file.fileSizeInBytes))
    const opened = await openTable(below(table, to))
    expect(opened.relocation).toEqual({ from: table.location, to })
    expect(await ids(opened)).toEqual([1, 2, 3])
  })

  it('does not complete a copy from its original, and says so', async () => {
    const table = await made()
    const to = fresh()
    await copy(table.location, to)
    const lost = (await table.scan().plan()).tasks[0]?.file.filePath ?? ''
    await io.delete([to + lost.slice(table.location.length)])
    const opened = await openTable(below(table, to))
    await expect(ids(opened)).rejects.toThrow(InvalidDataError)
    await expect(ids(opened)).rejects.toThrow(`read from ${to} in place of ${table.location}`)
    expect(await ids(await openTable(below(table, to), { relocate: false }))).toEqual([1, 2, 3])
  })

  it.each(['s3a://gone/w/t', 'hdfs://nn:8020/w/t', 'file:/w/t', '/w/t', 'w/t', 's3://gone/w/t/'])(
    'maps what was recorded below %s',
    async (recorded) => {
      const table = await made()
      const to = fresh()
      // Only the metadata's own members are rewritten here: manifests keep naming the first location.
      await copy(table.location, to, (text) =>
        text
          .replace(`"location":"${table.location}"`, `"location":"${recorded}"`)
          .replaceAll(
            /"manifest-list":"([^"]*)"/g,
            (_, list: string) => `"manifest-list":"${recorded.replace(/\/$/, '')}${list.slice(table.location.length)}"`,
          ),
      )
      const opened = await openTable(below(table, to))
      expect(opened.relocation).toEqual({ from: recorded.replace(/\/$/, ''), to })
      expect(await ids(opened)).toEqual([1, 2, 3])
    },
  )

  it('leaves files outside of the location where they are', async () => {
    const data = `memory://${randomUUID()}/data`
    const table = await made({ 'write.data.path': data })
    const to = fresh()
    await copy(table.location, to)
    const opened = await openTable(below(table, to))
    expect((await opened.scan().plan()).tasks.every(({ file }) => file.filePath.startsWith(data))).toBe(true)
    expect(await ids(opened)).toEqual([1, 2, 3])
  })

  it('takes a table with a metadata folder of its own to be where it says', async () => {
    const folder = `memory://${randomUUID()}/elsewhere/metadata`
    const table = await made({ 'write.metadata.path': folder })
    expect(parentLocation(table.metadataLocation)).toBe(folder)
    const opened = await openTable(table.metadataLocation)
    expect(opened.relocation).toBeUndefined()
    expect(await ids(opened)).toEqual([1, 2, 3])
  })

  it('takes a metadata file that was copied alone to tell of the original', async () => {
    const table = await made()
    const alone = `memory://${randomUUID()}/downloads/table.metadata.json`
    await io.write(alone, (await io.read(table.metadataLocation)).bytes)
    const opened = await openTable(alone)
    expect(opened.relocation).toBeUndefined()
    expect(await ids(opened)).toEqual([1, 2, 3])
  })

  it('reads from S3 what lies there', async () => {
    const { settings: s3, root } = await createTestBucket()
    const catalog = await openCatalog(`${root}/lake`, { s3 })
    const table = await catalog.createTable('a.t', { schema: { id: 'int' } })
    await table.append([{ id: 7 }])
    const s3a = table.metadataLocation.replace('s3:', 's3a:')
    await using opened = await openTable(s3a, { s3 })
    expect(opened.relocation).toBeUndefined()
    expect(await ids(opened)).toEqual([7])
    await using byFolder = await openTable(`${table.location}/`, { s3 })
    expect(byFolder.metadataLocation).toBe(table.metadataLocation)
    await catalog.close()
  })
})

describe('finding the metadata file', () => {
  const files = async (names: Record<string, string>): Promise<string> => {
    const folder = fresh()
    const { metadataLocation } = await made()
    const text = Buffer.from((await io.read(metadataLocation)).bytes)
    for (const [name, content] of Object.entries(names)) {
      const bytes = content === 'json' ? text : content === 'gzip' ? gzipSync(text) : Buffer.from(content)
      await io.write(`${folder}/metadata/${name}`, bytes)
    }
    return folder
  }
  const found = async (names: Record<string, string>, options?: OpenTableOptions): Promise<string> => {
    const folder = await files(names)
    const { metadataLocation } = await openTable(folder, options)
    return metadataLocation.slice(`${folder}/metadata/`.length)
  }

  it.each<[string, Record<string, string>, string]>([
    [
      'by a version as hint',
      { 'version-hint.text': '2\n', 'v1.metadata.json': 'json', 'v2.metadata.json': 'json' },
      'v2.metadata.json',
    ],
    [
      'by a name as hint',
      { 'version-hint.text': '00001-a', '00001-a.metadata.json': 'json', '00002-b.metadata.json': 'json' },
      '00001-a.metadata.json',
    ],
    ['gzipped, by a hint', { 'version-hint.text': '1', 'v1.gz.metadata.json': 'gzip' }, 'v1.gz.metadata.json'],
    ['gzipped, named the old way', { 'version-hint.text': '1', 'v1.metadata.json.gz': 'gzip' }, 'v1.metadata.json.gz'],
    [
      'by version where the hint names nothing',
      { 'version-hint.text': '9', 'v1.metadata.json': 'json' },
      'v1.metadata.json',
    ],
    [
      'by version where the hint leads away',
      { 'version-hint.text': '../x', 'v1.metadata.json': 'json' },
      'v1.metadata.json',
    ],
    [
      'by version as a number',
      { 'v9.metadata.json': 'json', 'v10.metadata.json': 'json', 'snap-99-1-x.avro': 'x' },
      'v10.metadata.json',
    ],
    [
      'by version of either naming',
      { '00002-b.gz.metadata.json': 'gzip', 'v1.metadata.json': 'json' },
      '00002-b.gz.metadata.json',
    ],
  ])('%s', async (_, names, expected) => expect(await found(names)).toBe(expected))

  it('takes the `metadata` folder for the table’s', async () => {
    const folder = await files({ 'v1.metadata.json': 'json' })
    expect((await openTable(`${folder}/metadata`)).metadataLocation).toBe(`${folder}/metadata/v1.metadata.json`)
  })

  it('says where it looked in vain', async () => {
    await expect(openTable(fresh())).rejects.toThrow(NotFoundError)
    await expect(openTable(await files({ 'x.txt': 'x' }))).rejects.toThrow(/no metadata file in memory:.*\/metadata;/)
    await expect(openTable(`${fresh()}/metadata/v1.metadata.json`)).rejects.toThrow(/v1\.metadata\.json does not exist/)
  })
})
