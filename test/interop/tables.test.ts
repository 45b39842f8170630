/** firn writes tables that PyIceberg and DuckDB read; PyIceberg writes tables that firn reads. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { columnName, findField } from '../../src/spec/schema.ts'
import type { NestedField, Schema } from '../../src/spec/types.ts'
import type { Table } from '../../src/table/table.ts'
import { type Canonical, type Row, canonicalRows, canonicalValue, sortedRows } from './canonical.ts'
import { NANO_SAMPLES, NESTED, SAMPLES, columnOf, columnsOf } from './samples.ts'
import { Warehouse } from './warehouse.ts'

const warehouse = await Warehouse.open()
afterAll(() => warehouse[Symbol.asyncDispose]())

const PRIMITIVES = columnsOf(SAMPLES)
const REQUIRED = { schema: { id: 'long not null', tags: 'list<int not null> not null' }, rows: [{ id: 1n, tags: [1] }] }

it.each([
  ['every primitive type', PRIMITIVES],
  ['lists, maps and structs', NESTED],
  ['required columns', REQUIRED],
])('%s, of all versions that each engine writes', async (_, { schema, rows }) => {
  for (const formatVersion of [2, 3] as const) {
    const table = await warehouse.write({ schema, formatVersion }, rows, ...rows.map((row) => [row]))
    await warehouse.expectRows(table, [...rows, ...rows])
    await expectFieldIds(table)
  }
  const source = await warehouse.write({ schema }, rows)
  for (const version of ['1', '2']) {
    const location = await warehouse.copy(source, { 'format-version': version })
    expect((await warehouse.read(location)).rows).toEqual(canonicalRows(source.schema.fields, rows))
  }
})

const POINT = Buffer.from('0101000000000000000000f83f0000000000000440', 'hex')
it.each([
  ['pyiceberg', columnsOf({ ...NANO_SAMPLES, unknown: [] })],
  ['duckdb', columnsOf({ timestamp_ns: NANO_SAMPLES['timestamp_ns'] ?? [], geometry: [POINT] })],
] as const)('the types of version 3 that %s knows', async (engine, { schema, rows }) => {
  await warehouse.expectRows(await warehouse.write({ schema, formatVersion: 3 }, rows), rows, { engines: [engine] })
})

it('row lineage', async () => {
  const table = await warehouse.write({ schema: { id: 'int' }, formatVersion: 3 }, [{ id: 1 }, { id: 2 }], [{ id: 3 }])
  const columns = '_row_id AS row, _last_updated_sequence_number AS updated'
  expect(await query(`SELECT ${columns} FROM iceberg_scan('${table.metadataLocation}') ORDER BY id`)).toEqual([
    { row: '0', updated: '1' },
    { row: '1', updated: '1' },
    { row: '2', updated: '2' },
  ])
})

it('metrics', async () => {
  // PyIceberg's metadata table `files` fails on UUIDs.
  const { uuid: _, ...samples } = SAMPLES
  const { schema, rows } = columnsOf(samples)
  const more = rows.map((row, i) => Object.assign({ d: [NaN, -0, 0, 1.5][i] ?? null, s: 'iceberg of a length' }, row))
  const table = await warehouse.write({ schema: { ...schema, d: 'double', s: 'string' } }, more)
  const metrics = Object.entries(samples).map(([type, values]) => {
    const nulls = rows.filter((row) => row[columnOf(type)] === null).length
    // Bytes of 255 alone have no shorter upper bound.
    const [lower, upper] = [values[0] ?? null, type === 'binary' ? null : (values.at(-1) ?? null)]
    const bounds = { lower_bound: canonicalValue(type, lower), upper_bound: canonicalValue(type, upper) }
    return [columnOf(type), { ...bounds, null_value_count: String(nulls) }]
  })
  const readable_metrics = {
    ...Object.fromEntries(metrics),
    d: { lower_bound: '-0', upper_bound: 1.5, nan_value_count: '1', value_count: String(rows.length) },
    s: { lower_bound: 'iceberg of a len', upper_bound: 'iceberg of a leo' },
  }
  expect(await filesOf(table)).toMatchObject([{ record_count: String(rows.length), readable_metrics }])
  await warehouse.expectRows(table, more)
})

it('sorted files of the target size', async () => {
  const rows: readonly Row[] = Array.from({ length: 9000 }, (_, i) => ({ id: (i * 7919) % 9000, name: `n${i % 97}` }))
  const schema = { id: 'int', name: 'string' }
  const properties = { 'write.target-file-size-bytes': '4000', 'write.parquet.row-group-size-bytes': '2000' }
  const sortBy = ['name desc nulls last', 'id']
  const table = await warehouse.write({ schema, partitionBy: ['truncate(5000, id)'], sortBy, properties })
  const arrow = await (await warehouse.write({ schema }, rows)).toArrow()
  await table.append([0, 3000, 6000].map((from) => arrow.slice(from, from + 3000)))
  expect(await warehouse.expectRows(table, rows)).toBeGreaterThan(3)
  for (const file of await filesOf(table)) expect(file).toMatchObject({ sort_order_id: '1' })
  const names = (await query(`SELECT name FROM '${await firstFile(table)}'`)).map(({ name }) => name as string)
  expect(names).toEqual(names.toSorted((a, b) => (a < b ? 1 : -1)))
})

it.each(['snappy', 'gzip', 'brotli', 'lz4_raw', 'uncompressed'])('compression by %s', async (codec) => {
  const properties = { 'write.parquet.compression-codec': codec, 'write.metadata.compression-codec': 'gzip' }
  const table = await warehouse.write({ schema: PRIMITIVES.schema, properties }, PRIMITIVES.rows)
  expect(table.metadataLocation).toMatch(/\.gz\.metadata\.json$/)
  await warehouse.expectRows(table, PRIMITIVES.rows)
})

it('large metadata, compressed unasked', async () => {
  const properties = { filling: 'ice '.repeat(20_000) }
  const table = await warehouse.write({ schema: { id: 'int' }, properties }, [{ id: 1 }])
  expect(table.metadataLocation).toMatch(/\.gz\.metadata\.json$/)
  await warehouse.expectRows(table, [{ id: 1 }])
})

it('time travel', async () => {
  const table = await warehouse.write({ schema: { id: 'int' } })
  await warehouse.expectRows(table, [])
  for (const id of [1, 2, 3]) await table.append([{ id }])
  const [first, second] = table.snapshots.map(({ snapshotId }) => String(snapshotId))
  await warehouse.expectRows(table, [{ id: 1 }], { snapshotId: first })
  await warehouse.expectRows(table, [{ id: 1 }, { id: 2 }], { snapshotId: second })
  const manifests = await query(`SELECT status, record_count FROM iceberg_metadata('${table.metadataLocation}')`)
  expect(manifests).toEqual([1, 2, 3].map(() => ({ status: 'ADDED', record_count: '1' })))
})

it.each([2, 3] as const)('merged manifests and snapshots of several appends, of version %i', async (formatVersion) => {
  const properties = { 'commit.manifest.min-count-to-merge': '4' }
  const options = { schema: { id: 'int', v: 'string' }, partitionBy: ['v'], formatVersion, properties }
  const row = (id: number): Row => ({ id, v: `v${id % 2}` })
  const table = await warehouse.write(options, ...Array.from({ length: 10 }, (_, id) => [row(id)]))
  await Promise.all(Array.from({ length: 10 }, (_, i) => table.append([row(10 + i)])))
  expect(table.snapshots.length).toBeLessThan(20)
  const rows = Array.from({ length: 20 }, (_, id) => row(id))
  await warehouse.expectRows(table, rows)
  await warehouse.expectRows(table, rows.slice(0, 5), { snapshotId: String(table.snapshots[4]?.snapshotId) })
  const statuses = await query(`SELECT status FROM iceberg_metadata('${table.metadataLocation}')`)
  expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(['ADDED', 'EXISTING']))
  if (formatVersion === 2) return
  const ids = await query(`SELECT _row_id AS row FROM iceberg_scan('${table.metadataLocation}')`)
  expect(new Set(ids.map(({ row: rowId }) => rowId)).size).toBe(20)
})

it('a folder of a file: warehouse, opened by its path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-interop-'))
  try {
    await using local = await Warehouse.open(folder)
    const table = await local.write({ schema: { id: 'int' } }, [{ id: 1 }], [{ id: 2 }])
    await local.expectRows(table, [{ id: 1 }, { id: 2 }], { location: table.location })
  } finally {
    await rm(folder, { recursive: true })
  }
})

it.each([2, 3] as const)('files of two schemas, in a table of version %i', async (formatVersion) => {
  const schema = { id: 'int', single: 'float', price: 'decimal(9, 2)', gone: 'string', place: 'struct<street: string>' }
  const table = await warehouse.write({ schema, formatVersion }, [
    { id: 1, single: 0.5, price: '1.25', gone: 'x', place: { street: 'Elm' } },
    { id: -2147483648 },
  ])
  // What columns that tables of version 3 get have in rows written before them.
  const initialDefault = formatVersion === 3 ? 'new' : undefined
  const evolved = await warehouse.evolve(table, [
    { action: 'add-schema', schema: evolvedSchema(table, initialDefault) },
    { action: 'set-current-schema', schemaId: -1 },
  ])
  const price = '123456789012345678.25'
  const added = { gone: 'back', single: 1e300, key: 2n ** 40n, price, place: { street: 'Oak', town: 'X' } }
  await evolved.append([added])
  const gone = initialDefault ?? null
  const place = { street: 'Elm', town: null }
  await warehouse.expectRows(evolved, [
    { gone, single: 0.5, key: 1n, price: '1.25', place },
    { gone, single: null, key: -2147483648n, price: null, place: null },
    added,
  ])
  expect((await warehouse.read(evolved.metadataLocation, { where: 'key < 0' })).rows).toHaveLength(1)
})

/** Columns renamed, promoted, moved, added within a struct, and one dropped whose name another takes. */
function evolvedSchema({ schema, metadata }: Table, initialDefault: string | undefined): Schema {
  const field = (name: string, changes: Partial<NestedField>): NestedField => {
    const found = schema.fields.find((candidate) => candidate.name === name)
    return { id: metadata.lastColumnId + 2, name, required: false, type: { kind: 'string' }, ...found, ...changes }
  }
  const place = schema.fields.find(({ name }) => name === 'place')?.type
  const streets = place?.kind === 'struct' ? place.fields : []
  const town = field('town', { id: metadata.lastColumnId + 1 })
  const fields = [
    field('gone', { id: metadata.lastColumnId + 2, initialDefault }),
    field('single', { type: { kind: 'double' } }),
    field('id', { name: 'key', type: { kind: 'long' } }),
    field('price', { type: { kind: 'decimal', precision: 20, scale: 2 } }),
    field('place', { type: { kind: 'struct', fields: [...streets, town] } }),
  ]
  return { schemaId: 1, fields, identifierFieldIds: [] }
}

it.each(['1', '2'])('changes by PyIceberg of a table of version %s', async (version) => {
  const numbers = { id: 'long', small: 'int', single: 'float', price: 'decimal(9, 2)' }
  const schema = { ...numbers, v: 'string', gone: 'string', place: 'struct<street: string>' }
  const row = { small: 1, single: 0.5, price: '1.25', gone: 'x', place: { street: 'Elm' } }
  const rows = [
    { ...row, id: 1, v: 'v1' },
    { ...row, id: 2, v: 'v0', place: null },
    { ...row, id: 3, v: 'v1' },
    { id: 4 },
  ]
  const location = await warehouse.copy(await warehouse.write({ schema, partitionBy: ['v'] }, rows), {
    'format-version': version,
    'commit.manifest-merge.enabled': 'true',
    'commit.manifest.min-count-to-merge': '2',
    'write.metadata.compression-codec': 'gzip',
  })
  type Snapshots = readonly { readonly id: string; readonly rows: readonly Canonical[] }[]
  const request = { warehouse: warehouse.uri, location }
  const evolved = await warehouse.ask<{ at: string; snapshots: Snapshots }>('pyiceberg_engine.evolve', request)
  expect(evolved.snapshots.map((snapshot) => snapshot.rows.length)).toEqual([2, 4, 8, 6, 4, 6])
  for (const { id, rows: want } of [...evolved.snapshots, { id: 'doubled', rows: evolved.snapshots[2]?.rows ?? [] }]) {
    expect((await warehouse.read(evolved.at, { asOf: id })).rows).toEqual(sortedRows(want))
  }
  const where = "renamed = 'v0' and small >= 1"
  expect((await warehouse.read(evolved.at, { where })).rows).toHaveLength(4)
})

function filesOf({ metadataLocation: location }: Table): Promise<readonly object[]> {
  return warehouse.ask('pyiceberg_engine.files', { location })
}

function query(sql: string): Promise<readonly Readonly<Record<string, Canonical>>[]> {
  return warehouse.ask('duckdb_engine.query', { sql })
}

async function firstFile(table: Table): Promise<string> {
  return (await table.scan().plan()).tasks[0]?.file.filePath ?? ''
}

/** The ids in a data file are the schema's, at all depths, and its types tell what bytes and numbers mean. */
async function expectFieldIds(table: Table): Promise<void> {
  const from = `FROM parquet_schema('${await firstFile(table)}') WHERE field_id IS NOT NULL`
  const fields = await query(`SELECT name, field_id AS id, logical_type AS logical ${from}`)
  expect(fields.length).toBeGreaterThanOrEqual(table.schema.fields.length)
  for (const { name, id, logical } of fields) {
    expect(columnName(table.schema, Number(id))?.split('.').at(-1)).toBe(name)
    const kind = findField(table.schema, Number(id))?.type.kind
    expect(logical === 'UUIDType()').toBe(kind === 'uuid')
    expect(/AdjustedToUTC=1/.test(logical as string)).toBe(kind === 'timestamptz')
  }
}
