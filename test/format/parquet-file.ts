/** Writing test batches to Parquet and reading them back from memory. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordBatch } from 'apache-arrow'
import type { Row } from '../../src/format/arrow-values.ts'
import { rowGetter } from '../../src/format/arrow-values.ts'
import { type ParquetReadOptions, readParquet } from '../../src/format/parquet-reader.ts'
import { parquetFooterBytes } from '../../src/format/parquet-footer.ts'
import {
  type ParquetField,
  type ParquetGroup,
  isLeaf,
  parseParquetSchema,
  printParquetSchema,
} from '../../src/format/parquet-schema.ts'
import type { ParquetSource } from '../../src/format/parquet-source.ts'
import { type EncodedParquet, type ParquetWriteOptions, createParquetWriter } from '../../src/format/parquet-writer.ts'
import { nameMappingOf, printNameMapping } from '../../src/spec/name-mapping.ts'
import type { Schema } from '../../src/spec/types.ts'
import { type ThriftStruct, parseThrift, printThrift } from '../../src/format/thrift.ts'
import { ThriftCursor, i32Field, structField, structsField, withFields } from '../../src/format/thrift-fields.ts'
import type { ByteRange } from '../../src/io/file-io.ts'

export function encode(batches: readonly RecordBatch[], options: ParquetWriteOptions): EncodedParquet {
  const writer = createParquetWriter(options)
  for (const batch of batches) writer.write(batch)
  return writer.finish()
}

/** A file in memory that notes the ranges asked of it. */
export function memorySource(bytes: Uint8Array): ParquetSource & { readonly ranges: ByteRange[] } {
  const ranges: ByteRange[] = []
  return {
    location: 'memory://test/file.parquet',
    sizeBytes: bytes.length,
    ranges,
    read(range) {
      ranges.push(range)
      return Promise.resolve(bytes.slice(range.offset, range.offset + range.length))
    },
  }
}

export async function readBatches(source: ParquetSource, options: ParquetReadOptions): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for await (const { batch } of readParquet(source, options)) batches.push(batch)
  return batches
}

export async function readRows(bytes: Uint8Array, options: ParquetReadOptions): Promise<Row[]> {
  const batches = await readBatches(memorySource(bytes), options)
  return batches.flatMap((batch) => rowsOf(batch, options.schema))
}

export function rowsOf(batch: RecordBatch, schema: ParquetReadOptions['schema']): Row[] {
  const get = rowGetter(batch, schema)
  return Array.from({ length: batch.numRows }, (_, row) => get(row))
}

/** A file of test/fixtures. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures', path)))
}

/** The file with another footer: pages stay as they are. */
export function withFooter(bytes: Uint8Array, change: (footer: ThriftStruct) => ThriftStruct): Uint8Array {
  const footerBytes = parquetFooterBytes(bytes, bytes.length, 'f')
  const pages = bytes.subarray(0, bytes.length - footerBytes)
  const footer = printThrift(change(parseThrift(bytes.subarray(pages.length), 'f')))
  const trailer = Buffer.from('    PAR1')
  trailer.writeUInt32LE(footer.length)
  return new Uint8Array(Buffer.concat([pages, footer, trailer]))
}

/** The file with its Parquet schema changed. */
export function withSchema(bytes: Uint8Array, change: (root: ParquetGroup) => ParquetGroup): Uint8Array {
  return withFooter(bytes, (footer) => {
    const cursor = new ThriftCursor(footer, 'f', 'footer')
    const root = change(parseParquetSchema(cursor.cursors(2, 'schema'), cursor))
    return withFields(footer, { 2: structsField(2, printParquetSchema(root)) })
  })
}

/** All fields of the group changed, inner ones first. */
export function mapFields(group: ParquetGroup, change: (field: ParquetField) => ParquetField): ParquetGroup {
  return { ...group, children: group.children.map((child) => change(isLeaf(child) ? child : mapFields(child, change))) }
}

/** The file with the metadata of a column chunk of its first row group changed. */
export function withChunk(
  bytes: Uint8Array,
  column: number,
  change: (metadata: ThriftStruct) => ThriftStruct,
): Uint8Array {
  return withFooter(bytes, (footer) => {
    const [group, ...groups] = new ThriftCursor(footer, 'f', 'f').cursors(4, 'row_groups')
    if (group === undefined) throw new Error('no row group')
    const columns = group.cursors(1, 'columns').map((chunk, i) => {
      const metadata = chunk.cursor(3, 'meta_data')
      if (i !== column || metadata === undefined) return chunk.struct
      return withFields(chunk.struct, { 3: structField(3, change(metadata.struct)) })
    })
    const changed = withFields(group.struct, { 1: structsField(1, columns) })
    return withFields(footer, { 4: structsField(4, [changed, ...groups.map((each) => each.struct)]) })
  })
}

/** The file with a column that claims another codec. */
export function withCodec(bytes: Uint8Array, column: number, codec: number): Uint8Array {
  return withChunk(bytes, column, (metadata) => withFields(metadata, { 4: i32Field(4, codec) }))
}

export function withoutIds(bytes: Uint8Array): Uint8Array {
  return withSchema(bytes, (root) => mapFields(root, (field) => ({ ...field, fieldId: undefined })))
}

/** The name mapping that a schema has by its own names, as a table's property. */
export function nameMappingText(schema: Schema): string {
  return printNameMapping(nameMappingOf(schema))
}
