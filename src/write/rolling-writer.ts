/**
 * The rows of one partition → data files of about the target size, sent as they are encoded. Small pieces are gathered
 * before they are encoded; in sorted tables all rows of a file are gathered, sorted, then encoded. Driven by
 * table-writer.ts, which names the files and describes what comes out.
 */
import type { RecordBatch } from 'apache-arrow'
import { createParquetWriter } from '../format/parquet-writer.ts'
import type { EncodedParquet, ParquetWriteOptions, ParquetWriter } from '../format/parquet-writer.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import { batchSizeBytes, concatBatches } from '../format/arrow-concat.ts'
import { sortBatches } from './sorter.ts'
import type { FileUpload } from './upload-queue.ts'
import type { WriteSettings } from './write-settings.ts'

export interface RollingWriterOptions {
  readonly schema: Schema
  readonly sortOrder: SortOrder
  readonly settings: WriteSettings
  /** Arrow data that a sorted file may gather before it is closed early. */
  readonly maxGatheredBytes: number
  /** Arrow data that may wait for a row group to fill. */
  readonly bufferBytes: number
  /** Called when a file begins to be sent. */
  readonly openFile: () => Promise<FileUpload>
}

/** A file that was written; its upload may still be under way. */
export interface WrittenFile {
  readonly location: string
  readonly encoded: EncodedParquet
}

/** Pieces are handed to the encoder when together they have this many rows or bytes. */
const ENCODE_ROWS = 16_384
const ENCODE_BYTES = 8 * 2 ** 20
/** A piece of this many rows is worth encoding as it is. */
const LARGE_ROWS = 4096
/** Arrow data from which on the way to another thread and back pays. */
const ASIDE_BYTES = 4 * 2 ** 20

export class RollingWriter {
  readonly #schema: Schema
  readonly #sortOrder: SortOrder
  readonly #settings: WriteSettings
  readonly #parquetOptions: ParquetWriteOptions
  readonly #maxGatheredBytes: number
  readonly #openFile: () => Promise<FileUpload>
  #gathered: RecordBatch[] = []
  #gatheredRows = 0
  #gatheredBytes = 0
  #parquet: ParquetWriter | undefined
  #upload: FileUpload | undefined
  /** Arrow bytes given to the open file. */
  #openBytes = 0
  /** Bytes of a file per byte of Arrow data, as the last file had it. */
  #ratio = 1

  constructor(options: RollingWriterOptions) {
    this.#schema = options.schema
    this.#sortOrder = options.sortOrder
    this.#settings = options.settings
    this.#maxGatheredBytes = options.maxGatheredBytes
    this.#openFile = options.openFile
    this.#parquetOptions = {
      schema: options.schema,
      ...options.settings.encoding,
      rowGroupSizeBytes: options.settings.rowGroupSizeBytes,
      sortedBy: sortedColumns(options.sortOrder),
      asideBytes: ASIDE_BYTES,
      bufferBytes: options.bufferBytes,
    }
  }

  /** Memory that the open file holds: rows that wait or are being encoded, and what is encoded but can't be sent yet. */
  get heldBytes(): number {
    return this.#gatheredBytes + (this.#parquet?.waitingBytes ?? 0) + (this.#upload?.heldBytes ?? 0)
  }

  /** Adds rows; returns the files that they filled. */
  async write(batch: RecordBatch): Promise<WrittenFile[]> {
    if (batch.numRows >= LARGE_ROWS && this.#gathered.length === 0 && !this.#isSorted) {
      const file = await this.#encode(batch)
      return file === undefined ? [] : [file]
    }
    this.#gathered.push(batch)
    this.#gatheredRows += batch.numRows
    this.#gatheredBytes += batchSizeBytes(batch)
    if (this.#isSorted) return this.#isSortedFileFull() ? this.finish() : []
    return this.#gatheredRows >= ENCODE_ROWS || this.#gatheredBytes >= ENCODE_BYTES ? this.#encodeGathered() : []
  }

  /** Closes the open file: the files made of all rows so far. */
  async finish(): Promise<WrittenFile[]> {
    const files = await this.#encodeGathered()
    const last = await this.#closeFile()
    return last === undefined ? files : [...files, last]
  }

  get #isSorted(): boolean {
    return this.#sortOrder.fields.length > 0
  }

  #isSortedFileFull(): boolean {
    const estimate = this.#gatheredBytes * this.#ratio
    return estimate >= this.#settings.targetFileSizeBytes || this.#gatheredBytes >= this.#maxGatheredBytes
  }

  async #encodeGathered(): Promise<WrittenFile[]> {
    const [first, ...others] = this.#gathered
    if (first === undefined) return []
    this.#gathered = []
    this.#gatheredRows = 0
    this.#gatheredBytes = 0
    const files: WrittenFile[] = []
    const batches = this.#isSorted
      ? sortBatches([first, ...others], this.#schema, this.#sortOrder)
      : [concatBatches([first, ...others])]
    for (const batch of batches) {
      const file = await this.#encode(batch)
      if (file !== undefined) files.push(file)
    }
    return files
  }

  async #encode(batch: RecordBatch): Promise<WrittenFile | undefined> {
    if (batch.numRows === 0) return undefined
    this.#parquet ??= createParquetWriter(this.#parquetOptions)
    this.#parquet.write(batch)
    this.#openBytes += batchSizeBytes(batch)
    await this.#parquet.drain()
    if (this.#parquet.estimatedBytes >= this.#settings.targetFileSizeBytes) return await this.#closeFile()
    const encoded = this.#parquet.take()
    if (encoded.length > 0) await (await this.#uploadOfFile()).add(encoded)
    return undefined
  }

  async #uploadOfFile(): Promise<FileUpload> {
    return (this.#upload ??= await this.#openFile())
  }

  async #closeFile(): Promise<WrittenFile | undefined> {
    await this.#parquet?.drain(0)
    const encoded = this.#parquet?.finish()
    if (encoded === undefined) return undefined
    this.#ratio = encoded.sizeBytes / this.#openBytes
    const upload = await this.#uploadOfFile()
    this.#parquet = undefined
    this.#upload = undefined
    this.#openBytes = 0
    await upload.finish(encoded.bytes)
    return { location: upload.location, encoded }
  }
}

/** The leading columns of a sort order that the file is sorted by as they are. */
function sortedColumns(order: SortOrder): ParquetWriteOptions['sortedBy'] {
  const end = order.fields.findIndex(({ transform }) => transform.kind !== 'identity')
  return order.fields.slice(0, end === -1 ? undefined : end).flatMap(({ sourceIds, direction, nullOrder }) =>
    sourceIds.map((fieldId) => ({
      fieldId,
      descending: direction === 'desc',
      nullsFirst: nullOrder === 'nulls-first',
    })),
  )
}
