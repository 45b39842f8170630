/** Delete files for the tests of scans, written into a TableFixture: what is in them is the test's to say. */
import { encodeDeletionVector } from '../../src/format/deletion-vector.ts'
import { positionSetOf } from '../../src/format/roaring.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import type { DataFile, PartitionData } from '../../src/spec/data-file.ts'
import { DELETE_FILE_PATH, DELETE_POS } from '../../src/spec/metadata-columns.ts'
import type { Schema } from '../../src/spec/types.ts'
import { SCHEMA, fileOf, scan } from './flights-fixture.ts'
import { TableFixture, collect } from './table-fixture.ts'
import type { FileInput } from './table-fixture.ts'

export const DELETE_SCHEMA: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [DELETE_FILE_PATH, DELETE_POS],
}

type Positions = readonly (readonly [file: string, position: bigint | number])[]

/** A position delete file of the partition of `like`, with rows in the order given. */
export function positionDeletes(
  table: TableFixture,
  like: Pick<DataFile, 'specId' | 'partition'>,
  positions: Positions,
  more: Partial<FileInput> = {},
): Promise<DataFile> {
  const rows = positions.map(([file_path, pos]) => ({ file_path, pos: BigInt(pos) }))
  const override = { content: 'position-deletes' as const, ...more.override }
  const input = { schema: DELETE_SCHEMA, partition: like.partition, ...more, rows, override }
  return table.writeFile(input, like.specId)
}

/** Deletion vectors in one file, one for each data file. */
export async function deletionVectors(
  table: TableFixture,
  vectors: readonly (readonly [file: DataFile, positions: readonly number[]])[],
): Promise<DataFile[]> {
  const parts: Uint8Array[] = [Buffer.from('PFA1')]
  const filePath = `${table.location}/data/${vectors[0]?.[0].filePath.split('/').at(-1)}.puffin`
  let offset = 4
  const placed = vectors.map(([file, positions]) => {
    const set = positionSetOf(positions)
    const bytes = encodeDeletionVector(set)
    const at = offset
    parts.push(bytes)
    offset += bytes.length
    return { file, offset: at, length: bytes.length, cardinality: set.cardinality }
  })
  await table.io.write(filePath, Buffer.concat(parts))
  return placed.map(({ file, cardinality, ...blob }) => ({
    content: 'position-deletes',
    filePath,
    fileFormat: 'puffin',
    specId: file.specId,
    partition: file.partition,
    recordCount: cardinality,
    fileSizeInBytes: offset,
    referencedDataFile: file.filePath,
    contentOffset: blob.offset,
    contentSizeInBytes: blob.length,
  }))
}

/** An equality delete file by the columns of `ids`, which stores the columns of `schema`, whatever else rows have. */
export function equalityDeletes(
  table: TableFixture,
  schema: Schema,
  ids: readonly number[],
  rows: readonly object[],
  scope: { readonly specId?: number; readonly partition?: PartitionData; readonly more?: Partial<FileInput> } = {},
): Promise<DataFile> {
  const { specId = 0, partition = [], more = {} } = scope
  const override = { content: 'equality-deletes' as const, equalityIds: ids, ...more.override }
  const names = new Set(schema.fields.map(({ name }) => name))
  const stored = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => names.has(name))))
  return table.writeFile({ schema, partition, ...more, rows: stored, override }, specId)
}

/** Files of ten flights each, in one manifest. */
export async function flightFiles(
  count: number,
  formatVersion: 2 | 3 = 2,
): Promise<{ table: TableFixture; files: DataFile[] }> {
  const table = new TableFixture(SCHEMA, { formatVersion })
  const files: DataFile[] = []
  for (let i = 0; i < count; i++) files.push(await table.writeFile(fileOf(10 * i, 10 * i + 10, { rowGroupRows: 4 })))
  await table.commit([files])
  return { table, files }
}

export const UNPARTITIONED = { specId: 0, partition: [] }
/** Ids of the flights that a scan gives. */
export const idsOf = async (table: TableFixture, options: ScanOptions = {}): Promise<number[]> =>
  (await collect(scan(table, { select: ['id'], ...options }).rows())).map(({ id }) => Number(id))
/** Numbers below `count` but for the deleted ones. */
export const without = (count: number, ...deleted: number[]): number[] =>
  Array.from({ length: count }, (_, id) => id).filter((id) => !deleted.includes(id))
