/**
 * Reads manifest entries of the usual layout (entry-layout.ts), of which a table has millions: in one straight line, where
 * the codec of manifest-schema.ts, which reads all layouts, looks up what to do for each field.
 */
import { avroArray, avroInt, avroNumber } from '../format/avro-codec.ts'
import type { AvroCodec, AvroDecode } from '../format/avro-codec.ts'
import { AvroCursor } from '../format/avro-cursor.ts'
import type { AvroNode } from '../format/avro-schema.ts'
import { avroSkip } from '../format/avro-skip.ts'
import type { ManifestEntry, ManifestEntryStatus, PartitionData } from '../spec/data-file.ts'
import { fileContentCodec, fileFormatCodec, statusCodec } from './entry-choices.ts'
import { ALWAYS, type EntryLayout, type Presence, type RestShape } from './entry-layout.ts'
import { readBounds, readCounts, skipBounds, skipCounts } from './stored-map.ts'

/** Whether an entry is wanted. Asked in the file's order. */
export type KeepEntry = (partition: PartitionData, status: ManifestEntryStatus) => boolean

const INTEGER = { kind: 'long', logicalType: undefined } as const
const STRING = { kind: 'string', logicalType: undefined } as const
const INTEGERS = { kind: 'array', items: INTEGER } as const

const readStatus = decodeOf(statusCodec, INTEGER)
const readContent = decodeOf(fileContentCodec, INTEGER)
const readFileFormat = decodeOf(fileFormatCodec, STRING)
const readOffsets = decodeOf(avroArray(avroNumber, 133), INTEGERS)
const readFieldIds = decodeOf(avroArray(avroInt, 136), INTEGERS)
const skipIntegers = avroSkip(INTEGERS)

function decodeOf<T>(codec: AvroCodec<T>, writer: AvroNode): AvroDecode<T> {
  const read = codec.resolve(writer, '')
  if (read === undefined) throw new TypeError(`a codec does not read ${writer.kind}`)
  return read
}

export interface EntryReaderOptions {
  readonly specId: number
  readonly readPartition: AvroDecode<PartitionData>
}

export function entryReader(
  { entry, file }: EntryLayout,
  { specId, readPartition }: EntryReaderOptions,
): AvroDecode<ManifestEntry> {
  return (cursor) => ({
    status: readStatus(cursor),
    snapshotId: isThere(cursor, entry.snapshotId) ? cursor.long() : undefined,
    sequenceNumber: isThere(cursor, entry.sequenceNumber) ? cursor.long() : undefined,
    fileSequenceNumber: isThere(cursor, entry.fileSequenceNumber) ? cursor.long() : undefined,
    dataFile: {
      content: isThere(cursor, file.content) ? readContent(cursor) : 'data',
      filePath: cursor.string(),
      fileFormat: readFileFormat(cursor),
      specId,
      partition: readPartition(cursor),
      recordCount: cursor.number(),
      fileSizeInBytes: readFileSize(cursor, file.blockSizeInBytes),
      columnSizes: isThere(cursor, file.columnSizes) ? readCounts(cursor) : undefined,
      valueCounts: isThere(cursor, file.valueCounts) ? readCounts(cursor) : undefined,
      nullValueCounts: isThere(cursor, file.nullValueCounts) ? readCounts(cursor) : undefined,
      nanValueCounts: isThere(cursor, file.nanValueCounts) ? readCounts(cursor) : undefined,
      lowerBounds: isThere(cursor, file.lowerBounds) ? readBounds(cursor) : undefined,
      upperBounds: isThere(cursor, file.upperBounds) ? readBounds(cursor) : undefined,
      keyMetadata: isThere(cursor, file.keyMetadata) ? cursor.byteString() : undefined,
      splitOffsets: isThere(cursor, file.splitOffsets) ? readOffsets(cursor) : undefined,
      equalityIds: isThere(cursor, file.equalityIds) ? readFieldIds(cursor) : undefined,
      sortOrderId: isThere(cursor, file.sortOrderId) ? cursor.int() : undefined,
      firstRowId: isThere(cursor, file.firstRowId) ? cursor.long() : undefined,
      referencedDataFile: isThere(cursor, file.referencedDataFile) ? cursor.string() : undefined,
      contentOffset: isThere(cursor, file.contentOffset) ? cursor.number() : undefined,
      contentSizeInBytes: isThere(cursor, file.contentSizeInBytes) ? cursor.number() : undefined,
    },
  })
}

/** Reads the entries that are kept; undefined for others, which are passed over by their partition. */
export function keptEntryReader(
  layout: EntryLayout,
  { keep, ...options }: EntryReaderOptions & { readonly keep: KeepEntry },
): AvroDecode<ManifestEntry | undefined> {
  const { entry, file, rest } = layout
  const { readPartition } = options
  const read = entryReader(layout, options)
  const copies = new Copies()
  const numbers = [entry.snapshotId, entry.sequenceNumber, entry.fileSequenceNumber, file.content]
  return (cursor) => {
    const start = cursor.offset
    const status = readStatus(cursor)
    for (const presence of numbers) if (isThere(cursor, presence)) cursor.skipLong()
    skipBytes(cursor)
    skipBytes(cursor)
    const kept = keep(readPartition(cursor), status)
    for (const { presence, shape } of rest) if (isThere(cursor, presence)) SKIP[shape](cursor)
    return kept ? read(copies.copy(cursor, start)) : undefined
  }
}

const COPIES_BYTES = 16 * 1024

/** Where entries that are kept are read from, so that a few of them don't hold whole blocks in memory. */
class Copies {
  #cursor = new AvroCursor(new Uint8Array(), '')
  #used = 0

  /** A cursor over a copy of what lies between `start` and where `cursor` is. */
  copy({ bytes, offset, location }: AvroCursor, start: number): AvroCursor {
    const length = offset - start
    if (length > this.#cursor.bytes.length - this.#used) {
      this.#cursor = new AvroCursor(new Uint8Array(Math.max(length, COPIES_BYTES)), location)
      this.#used = 0
    }
    this.#cursor.bytes.set(bytes.subarray(start, offset), this.#used)
    this.#cursor.offset = this.#used
    this.#used += length
    return this.#cursor
  }
}

const SKIP: Readonly<Record<RestShape, (cursor: AvroCursor) => unknown>> = {
  integer: (cursor) => cursor.skipLong(),
  string: skipBytes,
  bytes: skipBytes,
  integers: skipIntegers,
  counts: skipCounts,
  bounds: skipBounds,
}

function readFileSize(cursor: AvroCursor, blockSize: Presence): number {
  const fileSizeInBytes = cursor.number()
  if (isThere(cursor, blockSize)) cursor.skipLong()
  return fileSizeInBytes
}

function skipBytes(cursor: AvroCursor): void {
  cursor.skip(cursor.number())
}

function isThere(cursor: AvroCursor, presence: Presence): boolean {
  if (presence < 0) return presence === ALWAYS
  const branch = cursor.number()
  if (branch === presence) return false
  return branch === 1 - presence || cursor.fail(`a union of two has no branch ${branch}`)
}
