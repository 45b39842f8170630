/** Writing test batches to Parquet and reading them back from memory. */
import type { RecordBatch } from 'apache-arrow'
import type { Row } from '../../src/format/arrow-values.ts'
import { rowGetter } from '../../src/format/arrow-values.ts'
import { type ParquetReadOptions, readParquet } from '../../src/format/parquet-reader.ts'
import type { ParquetSource } from '../../src/format/parquet-source.ts'
import { type EncodedParquet, type ParquetWriteOptions, createParquetWriter } from '../../src/format/parquet-writer.ts'
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
