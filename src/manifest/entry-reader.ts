/**
 * Reads manifest entries of the usual layout (entry-layout.ts), of which a table has millions: in one straight line, where
 * the codec of manifest-schema.ts, which reads all layouts, looks up what to do for each field.
 */
import type { AvroDecode } from '../format/avro-codec.ts'
import { AvroCursor } from '../format/avro-cursor.ts'
import type { ManifestEntry, ManifestEntryStatus, PartitionData } from '../spec/data-file.ts'
import { readStatus } from './entry-choices.ts'
import { type EntryLayout, entryFields, fileFields, hasValue } from './entry-layout.ts'
import { passOver, passage } from './pass-over.ts'
import { StoredDataFile, type StoredFilesOptions, storedFiles } from './stored-data-file.ts'

/** Whether an entry is wanted. Asked in the file's order. */
export type KeepEntry = (partition: PartitionData, status: ManifestEntryStatus) => boolean

export function entryReader({ entry, file }: EntryLayout, options: StoredFilesOptions): AvroDecode<ManifestEntry> {
  const files = storedFiles(file, options)
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
  { keep, ...options }: StoredFilesOptions & { readonly keep: KeepEntry },
): AvroDecode<ManifestEntry | undefined> {
  const { entry, file } = layout
  const { readPartition } = options
  const head = [...entryFields(entry, 'snapshotId', 'fileSequenceNumber'), ...fileFields(file, 'content', 'fileFormat')]
  const toPartition = passage(head)
  const fromPartition = passage(fileFields(file, 'recordCount', 'contentSizeInBytes'))
  const read = entryReader(layout, options)
  const copies = new Copies()
  return (cursor) => {
    const start = cursor.offset
    const status = readStatus(cursor)
    passOver(cursor, toPartition)
    const partition = readPartition(cursor)
    passOver(cursor, fromPartition)
    return keep(partition, status) ? read(copies.copy(cursor, start)) : undefined
  }
}

const COPIES_BYTES = 16 * 1024
const MAX_RUN_BYTES = 64 * 1024

/**
 * Where entries that are kept are read from, so that a few of them don't hold whole blocks in memory. Entries that follow
 * one another are copied together: the longer they have done so, the more of the block is copied at once.
 */
class Copies {
  /** Over the copies. */
  #cursor = new AvroCursor(new Uint8Array(), '')
  #used = 0
  /** What was copied last: this part of these bytes, which lies so much further back in the copies. */
  #bytes: Uint8Array = new Uint8Array()
  #start = 0
  #end = 0
  #shift = 0

  /** A cursor over a copy of what lies between `start` and where `cursor` is. */
  copy(cursor: AvroCursor, start: number): AvroCursor {
    const isCopied = cursor.bytes === this.#bytes && start >= this.#start && cursor.offset <= this.#end
    if (!isCopied) this.#copyRun(cursor, start)
    this.#cursor.offset = start - this.#shift
    return this.#cursor
  }

  #copyRun({ bytes, offset, location }: AvroCursor, start: number): void {
    const goesOn = bytes === this.#bytes && start <= this.#end
    const runBytes = goesOn ? Math.min(2 * (this.#end - this.#start), MAX_RUN_BYTES) : 0
    const end = Math.min(Math.max(offset, start + runBytes), bytes.length)
    const length = end - start
    if (length > this.#cursor.bytes.length - this.#used) {
      this.#cursor = new AvroCursor(new Uint8Array(Math.max(length, COPIES_BYTES)), location)
      this.#used = 0
    }
    this.#cursor.bytes.set(bytes.subarray(start, end), this.#used)
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#shift = start - this.#used
    this.#used += length
  }
}
