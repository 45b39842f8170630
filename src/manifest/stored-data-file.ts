/**
 * Data files as they lie in a manifest. Most that look at one want to know its partition and its size, and read no more of
 * it: the path, the metrics and what follows are checked and passed over when their entry is read, and decoded when asked for.
 */
import { inspect } from 'node:util'
import { avroArray, avroInt, avroNumber, decodeOf } from '../format/avro-codec.ts'
import type { AvroDecode } from '../format/avro-codec.ts'
import type { AvroCursor } from '../format/avro-cursor.ts'
import { type DataFile, type PartitionData, copyDataFile } from '../spec/data-file.ts'
import { readContent, readFileFormat } from './entry-choices.ts'
import { type FileLayout, NEVER, fileFields, hasValue } from './entry-layout.ts'
import { type Passage, passOver, passage } from './pass-over.ts'
import { readBounds, readCounts } from './stored-map.ts'

const INTEGER = { kind: 'long', logicalType: undefined } as const
const INTEGERS = { kind: 'array', items: INTEGER } as const

const readOffsets = decodeOf(avroArray(avroNumber, 133), INTEGERS)
const readFieldIds = decodeOf(avroArray(avroInt, 136), INTEGERS)

export interface StoredFilesOptions {
  readonly specId: number
  readonly readPartition: AvroDecode<PartitionData>
}

/** What the files of a manifest have in common. */
export interface StoredFiles extends StoredFilesOptions {
  readonly layout: FileLayout
  readonly toRowId: Passage
  /** Undefined where none has a row id, and `toRowId` leads to the end. */
  readonly fromRowId: Passage | undefined
}

export function storedFiles(layout: FileLayout, options: StoredFilesOptions): StoredFiles {
  const hasRowIds = layout.firstRowId !== NEVER
  return {
    ...options,
    layout,
    toRowId: passage(fileFields(layout, 'blockSizeInBytes', hasRowIds ? 'sortOrderId' : 'contentSizeInBytes')),
    fromRowId: hasRowIds ? passage(fileFields(layout, 'referencedDataFile', 'contentSizeInBytes')) : undefined,
  }
}

/** The members that stay encoded longest: of most files none is asked for. */
type Details = Omit<
  DataFile,
  'content' | 'filePath' | 'fileFormat' | 'specId' | 'partition' | 'recordCount' | 'fileSizeInBytes' | 'firstRowId'
>

/** To be copied by `copyDataFile`: a spread would leave out what is not decoded yet. */
export class StoredDataFile implements DataFile {
  readonly content: DataFile['content']
  readonly fileFormat: DataFile['fileFormat']
  readonly partition: PartitionData
  readonly recordCount: number
  readonly fileSizeInBytes: number
  firstRowId: bigint | undefined
  readonly #files: StoredFiles
  /** Over the bytes that the file lies in; all files of a block share it, and nothing else moves it. */
  readonly #cursor: AvroCursor
  readonly #pathOffset: number
  readonly #detailsOffset: number
  #filePath: string | undefined
  #details: Details | undefined

  /** Reads the file that begins where `cursor` is, and leaves it at its end. */
  constructor(cursor: AvroCursor, files: StoredFiles) {
    const { layout, toRowId, fromRowId } = files
    this.#files = files
    this.#cursor = cursor.lookup
    this.content = hasValue(cursor, layout.content) ? readContent(cursor) : 'data'
    this.#pathOffset = cursor.offset
    cursor.skipBytes()
    this.fileFormat = readFileFormat(cursor)
    this.partition = files.readPartition(cursor)
    this.recordCount = cursor.number()
    this.fileSizeInBytes = cursor.number()
    this.#detailsOffset = cursor.offset
    passOver(cursor, toRowId)
    if (fromRowId === undefined) return
    this.firstRowId = hasValue(cursor, layout.firstRowId) ? cursor.long() : undefined
    passOver(cursor, fromRowId)
  }

  get specId(): number {
    return this.#files.specId
  }

  get filePath(): string {
    if (this.#filePath === undefined) {
      this.#cursor.offset = this.#pathOffset
      this.#filePath = this.#cursor.string()
    }
    return this.#filePath
  }

  get columnSizes(): DataFile['columnSizes'] {
    return this.#decoded().columnSizes
  }

  get valueCounts(): DataFile['valueCounts'] {
    return this.#decoded().valueCounts
  }

  get nullValueCounts(): DataFile['nullValueCounts'] {
    return this.#decoded().nullValueCounts
  }

  get nanValueCounts(): DataFile['nanValueCounts'] {
    return this.#decoded().nanValueCounts
  }

  get lowerBounds(): DataFile['lowerBounds'] {
    return this.#decoded().lowerBounds
  }

  get upperBounds(): DataFile['upperBounds'] {
    return this.#decoded().upperBounds
  }

  get keyMetadata(): DataFile['keyMetadata'] {
    return this.#decoded().keyMetadata
  }

  get splitOffsets(): DataFile['splitOffsets'] {
    return this.#decoded().splitOffsets
  }

  get equalityIds(): DataFile['equalityIds'] {
    return this.#decoded().equalityIds
  }

  get sortOrderId(): DataFile['sortOrderId'] {
    return this.#decoded().sortOrderId
  }

  get referencedDataFile(): DataFile['referencedDataFile'] {
    return this.#decoded().referencedDataFile
  }

  get contentOffset(): DataFile['contentOffset'] {
    return this.#decoded().contentOffset
  }

  get contentSizeInBytes(): DataFile['contentSizeInBytes'] {
    return this.#decoded().contentSizeInBytes
  }

  #decoded(): Details {
    if (this.#details === undefined) {
      this.#cursor.offset = this.#detailsOffset
      this.#details = readDetails(this.#cursor, this.#files.layout)
    }
    return this.#details
  }
}

/** For who prints one, or looks at it in a debugger. */
Object.defineProperty(StoredDataFile.prototype, inspect.custom, {
  value(this: DataFile) {
    return copyDataFile(this)
  },
})

function readDetails(cursor: AvroCursor, layout: FileLayout): Details {
  if (hasValue(cursor, layout.blockSizeInBytes)) cursor.skipLong()
  const head = {
    columnSizes: hasValue(cursor, layout.columnSizes) ? readCounts(cursor) : undefined,
    valueCounts: hasValue(cursor, layout.valueCounts) ? readCounts(cursor) : undefined,
    nullValueCounts: hasValue(cursor, layout.nullValueCounts) ? readCounts(cursor) : undefined,
    nanValueCounts: hasValue(cursor, layout.nanValueCounts) ? readCounts(cursor) : undefined,
    lowerBounds: hasValue(cursor, layout.lowerBounds) ? readBounds(cursor) : undefined,
    upperBounds: hasValue(cursor, layout.upperBounds) ? readBounds(cursor) : undefined,
    keyMetadata: hasValue(cursor, layout.keyMetadata) ? cursor.byteString() : undefined,
    splitOffsets: hasValue(cursor, layout.splitOffsets) ? readOffsets(cursor) : undefined,
    equalityIds: hasValue(cursor, layout.equalityIds) ? readFieldIds(cursor) : undefined,
    sortOrderId: hasValue(cursor, layout.sortOrderId) ? cursor.int() : undefined,
  }
  if (hasValue(cursor, layout.firstRowId)) cursor.skipLong()
  return {
    ...head,
    referencedDataFile: hasValue(cursor, layout.referencedDataFile) ? cursor.string() : undefined,
    contentOffset: hasValue(cursor, layout.contentOffset) ? cursor.number() : undefined,
    contentSizeInBytes: hasValue(cursor, layout.contentSizeInBytes) ? cursor.number() : undefined,
  }
}
