/**
 * How manifest entries are read, of which a table has millions: literals with all members, which V8 keeps compact, filled
 * by one `switch` each, which it compiles as a whole.
 */
import type { AvroCursor } from '../format/avro-cursor.ts'
import { isNull } from '../format/avro-record.ts'
import type { FieldStep, Fill, Mutable } from '../format/avro-record.ts'
import type { DataFile, ManifestEntry } from '../spec/data-file.ts'

const BLANK_FILE: DataFile = blankDataFile(0)

export function blankEntry(): ManifestEntry {
  return {
    status: 'existing',
    snapshotId: undefined,
    sequenceNumber: undefined,
    fileSequenceNumber: undefined,
    dataFile: BLANK_FILE,
  }
}

export function fillEntry(steps: readonly FieldStep<ManifestEntry>[]): Fill<ManifestEntry> {
  return (cursor, entry) => {
    for (const step of steps) {
      if (isNull(cursor, step)) continue
      switch (step.key) {
        case 'status':
          entry.status = step.read(cursor)
          break
        case 'snapshotId':
          entry.snapshotId = step.read(cursor)
          break
        case 'sequenceNumber':
          entry.sequenceNumber = step.read(cursor)
          break
        case 'fileSequenceNumber':
          entry.fileSequenceNumber = step.read(cursor)
          break
        case 'dataFile':
          entry.dataFile = step.read(cursor)
          break
        default:
          step.skip(cursor)
      }
    }
  }
}

export function blankDataFile(specId: number): DataFile {
  return {
    content: 'data',
    filePath: '',
    fileFormat: 'parquet',
    specId,
    partition: [],
    recordCount: 0,
    fileSizeInBytes: 0,
    columnSizes: undefined,
    valueCounts: undefined,
    nullValueCounts: undefined,
    nanValueCounts: undefined,
    lowerBounds: undefined,
    upperBounds: undefined,
    keyMetadata: undefined,
    splitOffsets: undefined,
    equalityIds: undefined,
    sortOrderId: undefined,
    firstRowId: undefined,
    referencedDataFile: undefined,
    contentOffset: undefined,
    contentSizeInBytes: undefined,
  }
}

type FileFields = Omit<DataFile, 'specId'>

export function fillDataFile(steps: readonly FieldStep<FileFields>[]): Fill<FileFields> {
  return (cursor, file) => {
    for (const step of steps) {
      if (isNull(cursor, step)) continue
      switch (step.key) {
        case 'content':
          file.content = step.read(cursor)
          break
        case 'filePath':
          file.filePath = step.read(cursor)
          break
        case 'fileFormat':
          file.fileFormat = step.read(cursor)
          break
        case 'partition':
          file.partition = step.read(cursor)
          break
        case 'recordCount':
          file.recordCount = step.read(cursor)
          break
        case 'fileSizeInBytes':
          file.fileSizeInBytes = step.read(cursor)
          break
        case 'columnSizes':
          file.columnSizes = step.read(cursor)
          break
        case 'valueCounts':
          file.valueCounts = step.read(cursor)
          break
        case 'nullValueCounts':
          file.nullValueCounts = step.read(cursor)
          break
        case 'nanValueCounts':
          file.nanValueCounts = step.read(cursor)
          break
        case 'lowerBounds':
          file.lowerBounds = step.read(cursor)
          break
        case 'upperBounds':
          file.upperBounds = step.read(cursor)
          break
        default:
          fillRest(cursor, file, step)
      }
    }
  }
}

type RestOfFile = Pick<
  FileFields,
  | 'keyMetadata'
  | 'splitOffsets'
  | 'equalityIds'
  | 'sortOrderId'
  | 'firstRowId'
  | 'referencedDataFile'
  | 'contentOffset'
  | 'contentSizeInBytes'
>

function fillRest(cursor: AvroCursor, file: Mutable<RestOfFile>, step: FieldStep<RestOfFile>): void {
  switch (step.key) {
    case 'keyMetadata':
      file.keyMetadata = step.read(cursor)
      break
    case 'splitOffsets':
      file.splitOffsets = step.read(cursor)
      break
    case 'equalityIds':
      file.equalityIds = step.read(cursor)
      break
    case 'sortOrderId':
      file.sortOrderId = step.read(cursor)
      break
    case 'firstRowId':
      file.firstRowId = step.read(cursor)
      break
    case 'referencedDataFile':
      file.referencedDataFile = step.read(cursor)
      break
    case 'contentOffset':
      file.contentOffset = step.read(cursor)
      break
    case 'contentSizeInBytes':
      file.contentSizeInBytes = step.read(cursor)
      break
    default:
      step.skip(cursor)
  }
}
