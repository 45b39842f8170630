/**
 * The rows of one partition → data files of about the target size, sent as they are encoded. Small pieces are gathered
 * before they are encoded; in sorted tables all rows of the partition are sorted, then encoded, so that its files follow
 * one another in order. Driven by table-writer.ts, which names the files and describes what comes out.
 */
import type { RecordBatch } from 'apache-arrow'
import { createParquetWriter } from '../format/parquet-writer.ts'
import type { EncodedParquet, ParquetWriteOptions, ParquetWriter } from '../format/parquet-writer.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import { batchSizeBytes, concatBatches } from '../format/arrow-concat.ts'
import { ExternalSorter } from './external-sorter.ts'
import type { TempFile } from '../io/temp-file.ts'
import type { FileUpload } from './upload-queue.ts'
import type { WriteSettings } from './write-settings.ts'

export interface RollingWriterOptions {
  readonly schema: Schema
  readonly sortOrder: SortOrder
  readonly settings: WriteSettings
  /** Arrow data that is gathered in memory before it is sorted to disk. */
  readonly sortBytes: number
  readonly openTemp: () => Promise<TempFile>
  readonly signal?: AbortSignal | undefined
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
/** Arrow data that makes a row group worth its columns' pages when memory is short. */
const LEAST_ROW_GROUP_BYTES = 4 * 2 ** 20
/** However small the target size, a file of one batch's rows has this many. */
const LEAST_ROWS = 1024
/** Of the memory to sort in, one block of a run that is merged. */
const BLOCKS_OF_SORT = 64
/** Arrow data from which on the way to another thread and back pays. */
const ASIDE_BYTES = 4 * 2 ** 20

export class RollingWriter {
  /** Undefined in tables that are not sorted. */
  readonly #sorter: ExternalSorter | undefined
  readonly #sortBytes: number
  readonly #settings: WriteSettings
  readonly #parquetOptions: ParquetWriteOptions
  readonly #openFile: () => Promise<FileUpload>
  #gathered: RecordBatch[] = []
  #gatheredRows = 0
  #gatheredBytes = 0
  #parquet: ParquetWriter | undefined
  #upload: FileUpload | undefined

  constructor(options: RollingWriterOptions) {
    this.#settings = options.settings
    const { schema, sortOrder: order, sortBytes, openTemp, signal } = options
    this.#sortBytes = sortBytes
    const blockBytes = Math.ceil(sortBytes / BLOCKS_OF_SORT)
    this.#sorter =
      order.fields.length === 0 ? undefined : new ExternalSorter({ schema, order, blockBytes, openTemp, signal })
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
    const encoding = (this.#parquet?.waitingBytes ?? 0) + (this.#upload?.heldBytes ?? 0)
    return this.#gatheredBytes + (this.#sorter?.heldBytes ?? 0) + encoding
  }

  /** Adds rows; returns the files that they filled. */
  async write(batch: RecordBatch): Promise<WrittenFile[]> {
    if (this.#sorter === undefined) return await this.#gather(batch)
    this.#sorter.add(batch)
    if (this.#sorter.heldBytes >= this.#sortBytes) await this.#sorter.spill()
    return []
  }

  /**
   * Lets go of memory: sorted rows go to disk; others become a row group where they are enough for one, else the file
   * ends.
   */
  async shrink(): Promise<WrittenFile[]> {
    if (this.#sorter !== undefined) {
      await this.#sorter.spill()
      return []
    }
    const waitingBytes = this.#gatheredBytes + (this.#parquet?.waitingBytes ?? 0)
    if (waitingBytes < LEAST_ROW_GROUP_BYTES || 2 * waitingBytes < this.heldBytes) return await this.finish()
    const files = await this.#encodeGathered()
    await this.#parquet?.drain(0)
    await this.#sendEncoded()
    return files
  }

  /** Closes the open file: the files made of all rows so far. */
  async finish(): Promise<WrittenFile[]> {
    const files: WrittenFile[] = []
    if (this.#sorter !== undefined) {
      for await (const batch of this.#sorter.drain()) files.push(...(await this.#gather(batch)))
    }
    files.push(...(await this.#encodeGathered()))
    const last = await this.#closeFile()
    return last === undefined ? files : [...files, last]
  }

  async #gather(batch: RecordBatch): Promise<WrittenFile[]> {
    if (batch.numRows >= LARGE_ROWS && this.#gathered.length === 0) return await this.#encode(batch)
    this.#gathered.push(batch)
    this.#gatheredRows += batch.numRows
    this.#gatheredBytes += batchSizeBytes(batch)
    const isEnough = this.#gatheredRows >= ENCODE_ROWS || this.#gatheredBytes >= ENCODE_BYTES
    return isEnough ? await this.#encodeGathered() : []
  }

  async #encodeGathered(): Promise<WrittenFile[]> {
    const [first, ...others] = this.#gathered
    if (first === undefined) return []
    this.#gathered = []
    this.#gatheredRows = 0
    this.#gatheredBytes = 0
    return await this.#encode(concatBatches([first, ...others]))
  }

  /** In pieces of at most the target size: files are closed between two of them. */
  async #encode(batch: RecordBatch): Promise<WrittenFile[]> {
    const { targetFileSizeBytes } = this.#settings
    const fitting = Math.floor((batch.numRows * targetFileSizeBytes) / batchSizeBytes(batch))
    const pieceRows = Math.max(LEAST_ROWS, fitting)
    const files: WrittenFile[] = []
    for (let from = 0; from < batch.numRows; from += pieceRows) {
      const isWhole = pieceRows >= batch.numRows
      const piece = isWhole ? batch : batch.slice(from, Math.min(batch.numRows, from + pieceRows))
      files.push(...(await this.#encodePiece(piece)))
    }
    return files
  }

  async #encodePiece(batch: RecordBatch): Promise<WrittenFile[]> {
    this.#parquet ??= createParquetWriter(this.#parquetOptions)
    this.#parquet.write(batch)
    await this.#parquet.drain()
    if (this.#parquet.estimatedBytes >= this.#settings.targetFileSizeBytes) {
      const file = await this.#closeFile()
      return file === undefined ? [] : [file]
    }
    await this.#sendEncoded()
    return []
  }

  async #sendEncoded(): Promise<void> {
    const encoded = this.#parquet?.take() ?? []
    if (encoded.length > 0) await (await this.#uploadOfFile()).add(encoded)
  }

  async #uploadOfFile(): Promise<FileUpload> {
    return (this.#upload ??= await this.#openFile())
  }

  async #closeFile(): Promise<WrittenFile | undefined> {
    await this.#parquet?.drain(0)
    const encoded = this.#parquet?.finish()
    if (encoded === undefined) return undefined
    const upload = await this.#uploadOfFile()
    this.#parquet = undefined
    this.#upload = undefined
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
