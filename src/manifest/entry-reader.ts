/**
 * Reads manifest entries of the usual layout (entry-layout.ts), of which a table has millions: in one straight line, where
 * the codec of manifest-schema.ts, which reads all layouts, looks up what to do for each field.
 */
import { decodeOf } from '../format/avro-codec.ts'
import type { AvroDecode } from '../format/avro-codec.ts'
import { AvroCursor } from '../format/avro-cursor.ts'
import type { ManifestEntry, ManifestEntryStatus, PartitionData } from '../spec/data-file.ts'
import { statusCodec } from './entry-choices.ts'
import { type EntryLayout, hasValue } from './entry-layout.ts'
import { StoredDataFile, type StoredFiles, skipFile } from './stored-data-file.ts'

/** Whether an entry is wanted. Asked in the file's order. */
export type KeepEntry = (partition: PartitionData, status: ManifestEntryStatus) => boolean

const readStatus = decodeOf(statusCodec, { kind: 'long', logicalType: undefined })

export type EntryReaderOptions = Omit<StoredFiles, 'layout'>

export function entryReader({ entry, file }: EntryLayout, options: EntryReaderOptions): AvroDecode<ManifestEntry> {
  const files: StoredFiles = { ...options, layout: file }
  return (cursor) => ({
    status: readStatus(cursor),
    snapshotId: hasValue(cursor, entry.snapshotId) ? cursor.long() : undefined,
    sequenceNumber: hasValue(cursor, entry.sequenceNumber) ? cursor.long() : undefined,
    fileSequenceNumber: hasValue(cursor, entry.fileSequenceNumber) ? cursor.long() : undefined,
    dataFile: new StoredDataFile(cursor, files),
  })
}

/** Reads the entries that are kept; undefined for others, which are passed over by their partition. */
export function keptEntryReader(
  layout: EntryLayout,
  { keep, ...options }: EntryReaderOptions & { readonly keep: KeepEntry },
): AvroDecode<ManifestEntry | undefined> {
  const { entry, file } = layout
  const files: StoredFiles = { ...options, layout: file }
  const read = entryReader(layout, options)
  const copies = new Copies()
  return (cursor) => {
    const start = cursor.offset
    const status = readStatus(cursor)
    if (hasValue(cursor, entry.snapshotId)) cursor.skipLong()
    if (hasValue(cursor, entry.sequenceNumber)) cursor.skipLong()
    if (hasValue(cursor, entry.fileSequenceNumber)) cursor.skipLong()
    const kept = keep(skipFile(cursor, files), status)
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
